// The loader behind `typescript.mjs`: a .ts or .tsx file becomes what the browser gets of it, file by file.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { transform } from "esbuild";

export async function load(url, context, nextLoad) {
  const kind = /\.tsx?$/.exec(url)?.[0].slice(1);
  if (kind === undefined) return nextLoad(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  const { code } = await transform(source, { loader: kind, jsx: "automatic", jsxImportSource: "preact", target: "es2022", sourcemap: "inline", sourcefile: fileURLToPath(url) });
  return { format: "module", shortCircuit: true, source: code };
}
