// Element's stack, from the directory that DMTUI_INTEROP names; what it complains of goes to stderr.
import { Console } from "node:console";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

globalThis.console = new Console(process.stderr); // standard output belongs to the protocol
for (const level of ["trace", "debug", "log", "info"]) console[level] = () => {};

const require = createRequire(path.join(process.env.DMTUI_INTEROP, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));

export const sdk = await load("matrix-js-sdk");
export const cryptoApi = await load("matrix-js-sdk/lib/crypto-api/index.js");
