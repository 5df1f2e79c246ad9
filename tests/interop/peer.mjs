// Any number of Element devices in one process, told what to do by lines of JSON.
//
// in:  {"id": 1, "device": "...", "act": "send", "with": {...}}     does something
//      {"id": 1, "device": "...", "view": "room", "with": {...}, "want": {...}}
//                       answers with what is seen, once it has all of `want` (or is there at all)
// out: {"id": 1, "answer": ...} or {"id": 1, "error": "one line"}; {"ready": "v22..."} at first
//
// Requests are worked on side by side. The process ends when its input closes.
import readline from "node:readline";
import { Device } from "./device.mjs";
import * as files from "./files.mjs";
import * as profile from "./profile.mjs";
import * as rooms from "./rooms.mjs";
import * as trust from "./trust.mjs";
import * as verify from "./verify.mjs";

const views = { ...profile.views, ...rooms.views, ...trust.views, ...verify.views };
const devices = new Map(); // device ID -> Device

const acts = {
    ...files.acts,
    ...profile.acts,
    ...rooms.acts,
    ...trust.acts,
    ...verify.acts,

    async signIn(_, session) {
        const device = new Device(session);
        verify.listen(device);
        await device.start();
        devices.set(session.deviceId, device);
    },

    async stop(device) {
        device.stop();
        devices.delete(device.deviceId);
    },
};

async function answer({ device: id, act, view, with: details = {}, want }) {
    const device = devices.get(id);
    if (!device && act !== "signIn") throw new Error(`no device ${id} is signed in`);
    if (act) return await acts[act](device, details);
    const what = `${view} ${JSON.stringify(details)}`;
    return await device.until(what, () => views[view](device, details), want);
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const explained = (error) => {
    console.error(error);
    return String(error?.message ?? error).split("\n")[0];
};

process.on("unhandledRejection", explained); // the SDK lets some of its background work fail
const input = readline.createInterface({ input: process.stdin });
input.on("close", () => process.exit(0));
input.on("line", async (line) => {
    const request = JSON.parse(line);
    try {
        say({ id: request.id, answer: (await answer(request)) ?? null });
    } catch (error) {
        say({ id: request.id, error: explained(error) });
    }
});
say({ ready: process.version });
