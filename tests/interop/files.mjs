// Files as Element sends and reads them, encrypted in encrypted rooms ("Sending encrypted attachments").
import { webcrypto } from "node:crypto";
import { fetchHereOnly } from "./device.mjs";

const { subtle } = webcrypto;
const AES = { name: "AES-CTR", length: 64 };
const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const sha256 = async (bytes) => unpadded(await subtle.digest("SHA-256", bytes));

async function encrypted(plain) {
    const counter = new Uint8Array(16);
    webcrypto.getRandomValues(counter.subarray(0, 8));
    const key = await subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
    const data = Buffer.from(await subtle.encrypt({ ...AES, counter }, key, plain));
    const file = {
        v: "v2",
        key: await subtle.exportKey("jwk", key),
        iv: unpadded(counter),
        hashes: { sha256: await sha256(data) },
    };
    return { data, file };
}

async function decrypted(data, { v, key, iv, hashes }) {
    if (v !== "v2" || await sha256(data) !== hashes.sha256) throw new Error("the file is damaged");
    const imported = await subtle.importKey("jwk", key, { name: "AES-CTR" }, false, ["decrypt"]);
    const counter = Buffer.from(iv, "base64");
    return Buffer.from(await subtle.decrypt({ ...AES, counter }, imported, data));
}

async function upload(device, data, type) {
    return (await device.client.uploadContent(data, { type, includeFilename: false })).content_uri;
}

// Where the data lies, under the name for plain or the one for encrypted files.
async function placed(device, roomId, data, mimetype, [plain, sealed]) {
    if (!await device.crypto.isEncryptionEnabledInRoom(roomId)) {
        return { [plain]: await upload(device, data, mimetype) };
    }
    const closed = await encrypted(data);
    const url = await upload(device, closed.data, "application/octet-stream");
    return { [sealed]: { ...closed.file, url } };
}

export async function fetched(device, uri) {
    const url = device.client.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true);
    const answer = await fetchHereOnly(url, {
        headers: { Authorization: `Bearer ${device.client.getAccessToken()}` },
    });
    if (!answer.ok) throw new Error(`${uri}: HTTP ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
}

const eventOf = (device, roomId, id) => device.client.getRoom(roomId)?.findEventById(id);

export const acts = {
    // -> event ID; `base64` and `thumbnail` are contents of files, `replyTo` is an event ID,
    // `more` is part of the content
    async sendFile(device, { roomId, name, base64, mimetype, msgtype, caption, thumbnail, replyTo, more }) {
        const plain = Buffer.from(base64, "base64");
        const info = { size: plain.length, mimetype };
        const content = {
            msgtype, body: caption || name, filename: name, info, "m.mentions": {}, ...more,
        };
        if (replyTo) content["m.relates_to"] = { "m.in_reply_to": { event_id: replyTo } };
        Object.assign(content, await placed(device, roomId, plain, mimetype, ["url", "file"]));
        if (thumbnail) {
            const small = Buffer.from(thumbnail, "base64");
            const places = ["thumbnail_url", "thumbnail_file"];
            info.thumbnail_info = { size: small.length, mimetype };
            Object.assign(info, await placed(device, roomId, small, mimetype, places));
        }
        return (await device.client.sendEvent(roomId, null, "m.room.message", content)).event_id;
    },

    // -> the content of the file and of its message
    async readFile(device, { roomId, event, thumbnail }) {
        await device.until("the file", () => (
            eventOf(device, roomId, event)?.getContent().msgtype ? event : null
        ), event);
        const content = eventOf(device, roomId, event).getContent();
        const file = thumbnail ? content.info.thumbnail_file : content.file;
        const plain = thumbnail ? content.info.thumbnail_url : content.url;
        const data = await fetched(device, file?.url ?? plain);
        const opened = file ? await decrypted(data, file) : data;
        return { base64: opened.toString("base64"), encrypted: Boolean(file), content };
    },
};
