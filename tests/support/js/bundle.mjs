// Bundles one module of tests for a real browser, with the development build of lightweight-charts.
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [process.argv[2]],
  absWorkingDir: fileURLToPath(new URL("../../..", import.meta.url)),
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
  sourcemap: "inline",
  conditions: ["development"],
});
process.stdout.write(outputFiles[0].text);
