// What the page says that studies may be, as JSON.
import { COLORS, KINDS, STUDIES_MAX, WIDTHS } from "../../../static/src/studies/study.ts";

process.stdout.write(JSON.stringify({ colors: COLORS, kinds: KINDS, most: STUDIES_MAX, widths: WIDTHS }));
