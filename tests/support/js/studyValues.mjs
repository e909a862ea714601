// What the page works out for studies beside candles: {candles, studies} as JSON comes in, columns of values go out.
import { OUTPUTS } from "../../../static/src/studies/outputs.ts";
import { KINDS, checkedStudies } from "../../../static/src/studies/study.ts";
import { StudySet } from "../../../static/src/studies/studySet.ts";
import { volumeProfile } from "../../../static/src/studies/volumeProfile.ts";

let text = "";
for await (const part of process.stdin) text += part;
const { candles, studies: raw } = JSON.parse(text);
const studies = checkedStudies(raw);
const waiting = [];
const set = new StudySet({ now: () => 0, soon: (work) => waiting.push(work), onChange: () => {} });
set.set(candles, []);
set.choose(studies);
while (waiting.length > 0) waiting.shift()();

const values = studies.map((study) => {
  if (study.kind === "volume-profile") return volumeProfile(candles, 0, candles.length, study.inputs.rows).rows.map(({ low, up, down }) => [low, up, down]);
  const columns = set.columns(study.id).map((column) => Array.from(column.subarray(0, candles.length), (value) => (Number.isNaN(value) ? null : value)));
  return Object.fromEntries(OUTPUTS[study.kind].lines.map(({ name }, i) => [name, columns[i]]));
});
process.stdout.write(JSON.stringify({ kinds: Object.keys(KINDS), values }));
