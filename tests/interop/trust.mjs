// Cross-signing, secret storage and key backup, as Element sets them up and judges them.
import { cryptoApi } from "./sdk.mjs";

const backupVersion = (device) => device.crypto.getActiveSessionBackupVersion();

// Asked for anew: the SDK remembers the answer.
async function backupOnServer(device) {
    const prefix = "/_matrix/client/v3";
    try {
        const { http } = device.client;
        return await http.authedRequest("GET", "/room_keys/version", {}, undefined, { prefix });
    } catch (error) {
        if (error.errcode === "M_NOT_FOUND") return null;
        throw error;
    }
}

// Which secrets the device itself has; Element asks other devices for those it lacks.
async function keptSecrets({ crypto }) {
    const { privateKeysCachedLocally: kept } = await crypto.getCrossSigningStatus();
    return {
        master: kept.masterKey,
        self_signing: kept.selfSigningKey,
        user_signing: kept.userSigningKey,
        backup: (await crypto.getSessionBackupPrivateKey()) !== null,
    };
}

async function typedKey(device, { recoveryKey, passphrase }) {
    if (recoveryKey) return cryptoApi.decodeRecoveryKey(recoveryKey);
    const stored = await device.client.secretStorage.getKey();
    if (!stored) throw new Error("the account has no secret storage");
    const { salt, iterations } = stored[1].passphrase;
    return await cryptoApi.deriveRecoveryKeyFromPassphrase(passphrase, salt, iterations);
}

export const acts = {
    // -> recovery key of the identity, secret storage and backup that are made
    async setUp(device, { passphrase }) {
        const key = await device.crypto.createRecoveryKeyFromPassphrase(passphrase ?? undefined);
        await device.crypto.bootstrapCrossSigning({
            authUploadDeviceSigningKeys: device.withPassword,
        });
        await device.crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => key,
            setupNewSecretStorage: true,
            setupNewKeyBackup: true,
        });
        await device.crypto.checkKeyBackupAndEnable();
        await device.until("the backup", () => backupVersion(device));
        return key.encodedPrivateKey;
    },

    // Type in a recovery key or a passphrase; -> {imported, total} of the backup, null without one
    async recover(device, typed) {
        device.offeredKey = await typedKey(device, typed);
        const published = () => device.crypto.userHasCrossSigningKeys(device.userId, true);
        await device.until("the identity", published, true); // else there is nothing to compare
        await device.crypto.bootstrapCrossSigning({
            authUploadDeviceSigningKeys: device.withPassword,
        });
        await device.crypto.bootstrapSecretStorage({});
        if (!(await device.crypto.getKeyBackupInfo())) return null;
        const restored = await acts.restoreBackup(device);
        await device.crypto.checkKeyBackupAndEnable();
        return restored;
    },

    // Give up identity, secret storage and backup, and make a new identity and backup.
    async reset(device) {
        device.storageKeys.clear();
        device.offeredKey = null;
        await device.crypto.resetEncryption(device.withPassword);
    },

    async restoreBackup(device) {
        await device.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const { imported, total } = await device.crypto.restoreKeyBackup();
        return { imported, total };
    },

    async isolate(device, { mode }) {
        device.isolate(mode);
    },

    // Ask other devices of mine for missing keys, which Element leaves out to spare the server
    async requestKeys(device, { roomId }) {
        device.crypto.olmMachine.roomKeyRequestsEnabled = true;
        const room = await device.until("the room", () => device.client.getRoom(roomId));
        const unreadable = () =>
            room.getLiveTimeline().getEvents().filter((event) => event.isDecryptionFailure());
        await device.until("unreadable messages", () => unreadable().length > 0, true);
        for (const event of unreadable()) {
            await event.attemptDecryption(device.crypto, { isRetry: true });
        }
    },

    // Have the next message use a new session, shared anew with everybody's devices.
    async rotate(device, { roomId }) {
        await device.crypto.forceDiscardSession(roomId);
    },
};

export const views = {
    async encryption(device) {
        const storage = await device.crypto.getSecretStorageStatus();
        return {
            identity: await device.crypto.isCrossSigningReady(),
            master: await device.crypto.getCrossSigningKeyId(),
            storage: storage.ready,
            secrets: storage.secretStorageKeyValidityMap,
            backup: await backupVersion(device),
            kept: await keptSecrets(device),
        };
    },

    // What the server's backup is, and whether it can be read and is vouched for by the identity
    async backup(device) {
        const info = await backupOnServer(device);
        if (!info) return null;
        const trust = await device.crypto.isKeyBackupTrusted(info);
        return {
            version: info.version,
            count: info.count,
            trusted: trust.trusted,
            readable: trust.matchesDecryptionKey,
        };
    },

    async user(device, { user }) {
        const hasIdentity = await device.crypto.userHasCrossSigningKeys(user, true);
        const status = await device.crypto.getUserVerificationStatus(user);
        return {
            identity: hasIdentity,
            verified: status.isCrossSigningVerified(),
            changed: status.needsUserApproval,
        };
    },

    async device(device, { user, id }) {
        const known = (await device.crypto.getUserDeviceInfo([user], true)).get(user)?.get(id);
        const status = await device.crypto.getDeviceVerificationStatus(user, id);
        return {
            known: Boolean(known),
            signed: status?.signedByOwner ?? false,
            verified: status?.crossSigningVerified ?? false,
        };
    },
};
