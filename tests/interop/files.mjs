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

async function fetched(device, uri) {
    const url = device.client.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true);
    const answer = await fetchHereOnly(url, {
        headers: { Authorization: `Bearer ${device.client.getAccessToken()}` },
    });
    if (!answer.ok) throw new Error(`${uri}: HTTP ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
}

const eventOf = (device, roomId, id) => device.client.getRoom(roomId)?.findEventById(id);

export const acts = {
    // -> event ID; `base64` is the file's content
    async sendFile(device, { roomId, name, base64, mimetype, msgtype, caption, more }) {
        const plain = Buffer.from(base64, "base64");
        const content = {
            msgtype,
            body: caption || name,
            filename: name,
            info: { size: plain.length, mimetype },
            "m.mentions": {},
            ...more,
        };
        if (await device.crypto.isEncryptionEnabledInRoom(roomId)) {
            const { data, file } = await encrypted(plain);
            const url = await upload(device, data, "application/octet-stream");
            content.file = { ...file, url };
        } else {
            content.url = await upload(device, plain, mimetype);
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
