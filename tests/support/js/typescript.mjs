// Lets Node import the page's own TypeScript: `node --import ./tests/support/js/typescript.mjs`.
import { register } from "node:module";

register("./typescript.hooks.mjs", import.meta.url);
