// Bundles the browser's code, static/src → static/dist: `node tools/bundle.mjs [--inputs HASH] [--watch]`.
// Never here: installing packages, deciding whether there is anything to do (tools/assets.py).
// Invariant: every file has its content's hash in its name; manifest.json comes last and names them all.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "esbuild";

import { icon } from "./icons.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = "static/src";
const TARGET = join(ROOT, "static", "dist");

/** By the name that templates use. What an entry needs at once is in one file. */
const ENTRIES = {
  "chart.js": { entry: "chartPage.ts", format: "esm" },
  "login.js": { entry: "loginPage.ts", format: "esm" },
  "theme.js": { entry: "themeInit.ts", format: "iife" }, // a classic script: it runs before the first paint
  "browser.js": { entry: "browserCheck.ts", format: "iife", target: "es5" }, // a classic script: it must run in any browser
  "retry.js": { entry: "retryPage.ts", format: "esm" },
  "chart.css": { entry: "css/chartPage.css" },
  "later.css": { entry: "css/laterPage.css" },
  "login.css": { entry: "css/loginPage.css" },
  "account.css": { entry: "css/accountPage.css" },
  "docs.css": { entry: "css/docsPage.css" },
  "mark.svg": { entry: "mark.svg" },
};

const TYPES = {
  js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml", png: "image/png",
  webmanifest: "application/manifest+json", txt: "text/plain; charset=utf-8",
};

/** For home screens. Android cuts any shape out of a `maskable` one: what matters lies in its middle. */
const ICONS = {
  "icon-180.png": { size: 180, padding: 0.12 },
  "icon-192.png": { size: 192, padding: 0.12, purpose: "any" },
  "icon-512.png": { size: 512, padding: 0.12, purpose: "any" },
  "icon-maskable.png": { size: 512, padding: 0.2, purpose: "maskable" },
};
const COLORS = { background_color: "#0E1116", theme_color: "#151A21" };

/** Notices that a licence wants kept, and that the package itself does not hold. */
const NOTICES = {
  "lightweight-charts": "TradingView Lightweight Charts™\nCopyright (c) 2025 TradingView, Inc. https://www.tradingview.com/\n",
};

/** The page opens a WebSocket and nothing else: of the client's ways only that one is bundled. */
const ONLY_WEBSOCKET = {
  name: "only-websocket",
  setup({ onLoad }) {
    onLoad({ filter: /engine\.io-client\/build\/esm\/transports\/index\.js$/ }, () => ({
      contents: 'import { WS } from "./websocket.node.js";\nexport const transports = { websocket: WS };\n',
    }));
    onLoad({ filter: /engine\.io-client\/build\/esm\/transports\/polling-xhr\.js$/ }, () => ({ contents: "export const XHR = null;\n" }));
  },
};

/**
 * Whatever is loaded later imports the entry, which is there by then: so all that the entry needs at once is in one
 * file, however many files come later and whatever each of them shares with it.
 */
function oneFileAtOnce(entry) {
  return {
    name: "one-file-at-once",
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /^\./ }, async ({ path, kind, resolveDir }) => {
        if (kind !== "dynamic-import") return null;
        return { path: (await resolve(path, { resolveDir, kind: "import-statement" })).path, namespace: "later" };
      });
      onLoad({ filter: /^/, namespace: "later" }, ({ path }) => ({
        contents: `import ${JSON.stringify(entry)};\nexport * from ${JSON.stringify(path)};\n`, resolveDir: dirname(path),
      }));
    },
  };
}

/** Changes that come together are bundled once. */
const WATCH_PAUSE_MS = 100;

const { values: options } = parseArgs({ options: { inputs: { type: "string", default: "" }, watch: { type: "boolean", default: false } } });

await bundle();
if (options.watch) follow();

async function bundle() {
  const assets = {};
  const contents = new Map();
  const packages = new Set();
  for (const [name, { entry, format, target = "es2022" }] of Object.entries(ENTRIES)) {
    const { outputFiles, metafile } = await build({
      entryPoints: [{ in: join(SOURCE, entry), out: name.replace(/\.\w+$/, "") }],
      absWorkingDir: ROOT,
      outdir: TARGET,
      entryNames: "[name]-[hash]",
      chunkNames: "[name]-[hash]",
      bundle: true,
      write: false,
      metafile: true,
      splitting: format === "esm",
      format,
      loader: { ".svg": name.endsWith(".css") ? "dataurl" : "copy" }, // a style's pictures are there with it
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, jsx: "react-jsx", jsxImportSource: "preact" } },
      target,
      plugins: [ONLY_WEBSOCKET, oneFileAtOnce(join(ROOT, SOURCE, entry))],
      minify: false,
      sourcemap: options.watch ? "inline" : false,
      legalComments: "none",
      charset: "utf8", // as it is served
      define: { "process.env.NODE_ENV": '"production"' },
      conditions: ["production"],
      logLevel: "warning",
    });
    for (const file of outputFiles) contents.set(basename(file.path), Buffer.from(file.contents));
    const made = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === join(SOURCE, entry));
    const shared = made?.[1].imports.find(({ kind }) => kind === "import-statement")?.path; // with what comes later: all of the entry
    assets[name] = basename(shared ?? made?.[0] ?? outputFiles[0].path);
    if (shared !== undefined) contents.delete(basename(made[0]));
    for (const input of Object.keys(metafile.inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (found !== null) packages.add(found[1]);
    }
  }
  addIcons(assets, contents);
  const licences = Buffer.from([...packages].sort().map(licence).join("\n"));
  assets["licenses.txt"] = add(contents, "licenses.txt", licences);
  write({ assets }, contents);
}

/** The icons, and the manifest that names them. */
function addIcons(assets, contents) {
  const icons = [];
  for (const [name, { size, padding, purpose }] of Object.entries(ICONS)) {
    assets[name] = add(contents, name, icon(size, { padding }));
    if (purpose !== undefined) icons.push({ src: assets[name], sizes: `${size}x${size}`, type: "image/png", purpose });
  }
  const manifest = { name: "TrueCandle", short_name: "TrueCandle", start_url: "../", scope: "../", display: "standalone", ...COLORS, icons };
  assets["app.webmanifest"] = add(contents, "app.webmanifest", Buffer.from(JSON.stringify(manifest)));
}

/** Adds a file under a name with its content's hash, and returns that. */
function add(contents, name, content) {
  const hashed = name.replace(/\.(?=\w+$)/, `-${sha256(content).slice(0, 8)}.`);
  contents.set(hashed, content);
  return hashed;
}

/** What a bundled package says of its licence. */
function licence(name) {
  const folder = join(ROOT, "node_modules", name);
  const { version, license, homepage = "" } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (NOTICES[name] !== undefined) texts.unshift(NOTICES[name]);
  if (texts.length === 0) texts.push(`The package holds no text of its licence: ${homepage}`);
  return [`${name} ${version} (${license})`, "", ...texts, ""].join("\n");
}

/** All files, compressed too where that is smaller; what is named nowhere any more goes. */
function write(names, contents) {
  mkdirSync(TARGET, { recursive: true });
  const files = {};
  const written = new Set(["manifest.json"]);
  for (const [name, content] of contents) {
    files[name] = { type: TYPES[name.split(".").at(-1)], sha256: sha256(content), encodings: [] };
    put(name, content, written);
    for (const [coding, suffix, compressed] of compressions(content)) {
      if (compressed.length >= content.length) continue;
      files[name].encodings.push(coding);
      put(`${name}.${suffix}`, compressed, written);
    }
  }
  put("manifest.json", `${JSON.stringify({ inputs: options.inputs, ...names, files }, null, 2)}\n`, written);
  for (const name of readdirSync(TARGET)) if (!written.has(name)) rmSync(join(TARGET, name), { recursive: true });
}

/** `[coding as HTTP names it, suffix, content]`, best first. */
function compressions(content) {
  const parameters = {
    [constants.BROTLI_PARAM_QUALITY]: options.watch ? 1 : 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    [constants.BROTLI_PARAM_LGBLOCK]: constants.BROTLI_MAX_INPUT_BLOCK_BITS, // a file is one block
  };
  return [
    ["br", "br", brotliCompressSync(content, { params: parameters })],
    ["gzip", "gz", gzipSync(content, { level: options.watch ? 1 : 9 })],
  ];
}

/** A file appears whole or not at all. */
function put(name, content, written) {
  const part = join(TARGET, `.${name}.part`);
  writeFileSync(part, content);
  renameSync(part, join(TARGET, name));
  written.add(name);
}

/** Bundles anew whenever a source has changed; a mistake is shown, and the next change tried. */
function follow() {
  let timer;
  console.log(`watching ${SOURCE}`);
  watch(join(ROOT, SOURCE), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => bundle().then(() => console.log(`${new Date().toLocaleTimeString()} bundled`), () => {}), WATCH_PAUSE_MS);
  });
}

function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}
