// A signed-in device: its client, its crypto, and waiting for what it will come to know.
import { cryptoApi, sdk } from "./sdk.mjs";

const ON_A_DESK = ["m.sas.v1", "m.qr_code.show.v1", "m.reciprocate.v1"]; // ways to verify
const ON_A_PHONE = [...ON_A_DESK, "m.qr_code.scan.v1"];

const PATIENCE_MS = 50_000;
const LOOK_AGAIN_MS = 250; // the crypto learns some things without saying so

export class Device {
    #stirred = () => {};

    constructor({ baseUrl, userId, deviceId, accessToken, password }) {
        this.userId = userId;
        this.deviceId = deviceId;
        this.password = password;
        this.storageKeys = new Map(); // secret storage key ID -> bytes
        this.offeredKey = null; // bytes that the user has typed in, not yet matched to an ID
        this.client = sdk.createClient({
            baseUrl,
            userId,
            deviceId,
            accessToken,
            fetchFn: fetchHereOnly,
            useAuthorizationHeader: true,
            timelineSupport: true,
            verificationMethods: ON_A_DESK,
            cryptoCallbacks: {
                getSecretStorageKey: ({ keys }) => this.#storageKey(keys),
                cacheSecretStorageKey: (id, _info, key) => this.storageKeys.set(id, key),
            },
        });
        const emit = this.client.emit.bind(this.client);
        this.client.emit = (...event) => {
            const heard = emit(...event);
            this.#stirred();
            return heard;
        };
    }

    // Begin to sync; answers once others can encrypt to this device.
    async start() {
        await this.client.whoami(); // fails at once where the rest would try for long
        await this.client.initRustCrypto({ useIndexedDB: false });
        this.isolate("none");
        await this.client.startClient({
            lazyLoadMembers: true,
            threadSupport: true,
            pendingEventOrdering: sdk.PendingEventOrdering.Detached,
        });
        await this.until("sync", () => this.client.getSyncState(), "SYNCING");
        const published = async () => {
            const keys = await this.client.downloadKeysForUsers([this.userId]);
            return this.deviceId in (keys.device_keys[this.userId] ?? {});
        };
        await this.until("own keys on the server", published, true);
    }

    stop() {
        this.client.stopClient();
    }

    get crypto() {
        return this.client.getCrypto();
    }

    // "signed": exchange messages with devices only that their owners have cross-signed.
    isolate(mode) {
        const modes = {
            none: () => new cryptoApi.AllDevicesIsolationMode(false),
            signed: () => new cryptoApi.OnlySignedDevicesIsolationMode(),
        };
        this.crypto.setDeviceIsolationMode(modes[mode]());
    }

    haveCamera() {
        this.crypto.setSupportedVerificationMethods(ON_A_PHONE);
    }

    // The first value read that has all of `want`; read again whenever there is news.
    async until(what, read, want, patience = PATIENCE_MS) {
        const deadline = Date.now() + patience;
        for (;;) {
            const value = await read();
            if (has(value, want)) return value;
            if (Date.now() > deadline) {
                const wanted = want === undefined ? "it" : JSON.stringify(want);
                throw new Error(`${what}: waited for ${wanted}, there is ${JSON.stringify(value)}`);
            }
            await this.#news();
        }
    }

    // A request that the server may want the password for.
    withPassword = async (request) => {
        try {
            return await request(null);
        } catch (error) {
            if (error.httpStatus !== 401 || !error.data?.flows) throw error;
            const identifier = { type: "m.id.user", user: this.userId };
            const { session } = error.data;
            return await request({
                type: "m.login.password", identifier, password: this.password, session,
            });
        }
    };

    #news() {
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, LOOK_AGAIN_MS);
            this.#stirred = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    async #storageKey(keys) {
        for (const [id, description] of Object.entries(keys)) {
            const known = this.storageKeys.get(id);
            if (known) return [id, known];
            const offered = this.offeredKey;
            if (offered && (await this.client.secretStorage.checkKey(offered, description))) {
                this.storageKeys.set(id, offered);
                return [id, offered];
            }
        }
        return null;
    }
}

function has(value, want) {
    if (want === undefined) return value !== null && value !== undefined;
    if (want === null || typeof want !== "object") return value === want;
    if (value === null || typeof value !== "object") return false;
    return Object.entries(want).every(([key, wanted]) => has(value[key], wanted));
}

export async function fetchHereOnly(resource, options) {
    const { hostname } = new URL(resource);
    if (hostname !== "127.0.0.1") throw new Error(`${hostname} is not this machine`);
    return await fetch(resource, options);
}
