// Verifying each other by emoji or by a code of the other side, as Element's panel does it.
import { cryptoApi, sdk } from "./sdk.mjs";

const { CryptoEvent, VerificationPhase, VerificationRequestEvent, VerifierEvent } = cryptoApi;
const SAS = "m.sas.v1";

// Keep hold of a request and of what its verifier comes to show.
export function follow(device, request) {
    const known = device.verifications.find((one) => one.request === request);
    if (known) return known;
    const followed = { request, verifier: null, shown: null, failure: null };
    device.verifications.push(followed);
    const look = () => {
        const { verifier } = request;
        if (!verifier || verifier === followed.verifier) return;
        followed.verifier = verifier;
        const show = (shown) => { followed.shown = shown; };
        verifier.on(VerifierEvent.ShowSas, show);
        if (verifier.getShowSasCallbacks()) show(verifier.getShowSasCallbacks());
        verifier.verify().catch((error) => { followed.failure = String(error.message ?? error); });
    };
    request.on(VerificationRequestEvent.Change, look);
    look();
    return followed;
}

export function listen(device) {
    device.verifications = [];
    device.client.on(CryptoEvent.VerificationRequestReceived, (one) => follow(device, one));
}

const latest = (device) => {
    const followed = device.verifications.at(-1);
    if (!followed) throw new Error("there is no verification");
    return followed;
};

const phaseOf = ({ request, verifier }) =>
    verifier?.hasBeenCancelled ? "Cancelled" : VerificationPhase[request.phase];

export const acts = {
    // Of a person, in the room; without one, of my own other devices
    async requestVerification(device, { user, roomId }) {
        const { crypto } = device;
        if (user) await crypto.userHasCrossSigningKeys(user, true);
        follow(device, user
            ? await crypto.requestVerificationDM(user, roomId)
            : await crypto.requestOwnUserVerification());
    },

    async acceptVerification(device) {
        await latest(device).request.accept();
    },

    async startVerification(device) {
        await latest(device).request.startVerification(SAS);
    },

    async confirmVerification(device) {
        await latest(device).shown.confirm();
    },

    async mismatchVerification(device) {
        latest(device).shown.mismatch();
    },

    async haveCamera(device) {
        device.haveCamera();
    },

    async scanCode(device, { base64 }) {
        const bytes = new Uint8ClampedArray(Buffer.from(base64, "base64"));
        await latest(device).request.scanQRCode(bytes);
    },

    async cancelVerification(device) {
        await latest(device).request.cancel();
    },
};

export const views = {
    async verification(device) {
        const followed = device.verifications.at(-1);
        if (!followed) return null;
        const sas = followed.shown?.sas;
        return {
            phase: phaseOf(followed),
            mine: followed.request.initiatedByMe,
            shown: Boolean(sas),
            emoji: (sas?.emoji ?? []).map(([sign]) => sign),
            decimals: sas?.decimal ?? [],
        };
    },
};
