// What a person does with chats, as Element does it, and how they look there.
import { cryptoApi } from "./sdk.mjs";

const ENCRYPTION = {
    type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" },
};
const state = (type, content) => ({ type, state_key: "", content });

// The name of a value of one of the SDK's numeric enumerations.
const nameOf = (names, value) => (value === null ? null : names[value]);

const roomOf = (device, roomId) => {
    const room = device.client.getRoom(roomId);
    if (!room) throw new Error(`${device.userId} knows no room ${roomId}`);
    return room;
};

// The name that the spec gives it, and the one before
const MARKED_UNREAD = ["m.marked_unread", "com.famedly.marked_unread"];

const isMarkedUnread = (room) => Boolean(
    MARKED_UNREAD.map((type) => room.getAccountData(type)?.getContent()).find(Boolean)?.unread,
);

async function recordDirect(device, roomId, user) {
    const direct = (await device.client.getAccountDataFromServer("m.direct")) ?? {};
    const others = Object.entries(direct).map(([key, rooms]) => [
        key, rooms.filter((known) => known !== roomId),
    ]);
    const recorded = Object.fromEntries(others);
    recorded[user] = [...(recorded[user] ?? []), roomId];
    await device.client.setAccountData("m.direct", recorded);
}

const invited = (device, roomId) => device.until(
    `invite to ${roomId}`, () => device.client.getRoom(roomId)?.getMyMembership(), "invite",
);

async function sent(device, roomId, type, content) {
    await device.until(`room ${roomId}`, () => device.client.getRoom(roomId)?.roomId, roomId);
    const transaction = device.client.makeTxnId();
    try {
        return (await device.client.sendEvent(roomId, null, type, content, transaction)).event_id;
    } catch (error) {
        // What sync brings back into a thread before the request is answered, the SDK takes ill
        if (!error.message.includes("not a local echo")) throw error;
        const echo = () => [...threadedOf(device, roomId), ...eventsOf(device, roomId)]
            .find((event) => event.getTxnId() === transaction || event.getUnsigned().transaction_id === transaction);
        return (await device.until("the echo", echo)).getId();
    }
}

const text = (body) => ({ msgtype: "m.text", body, "m.mentions": {} });
const html = (body) => (body ? { format: "org.matrix.custom.html", formatted_body: body } : {});
const relation = (content) => ({ "m.relates_to": content });

async function shieldOf(device, event) {
    if (!event.isEncrypted()) return null;
    const seen = await device.crypto.getEncryptionInfoForEvent(event);
    return seen && {
        colour: nameOf(cryptoApi.EventShieldColour, seen.shieldColour),
        reason: nameOf(cryptoApi.EventShieldReason, seen.shieldReason),
    };
}

async function seen(device, room, event) {
    const reactions = room.relations.getChildEventsForEvent(
        event.getId(), "m.annotation", "m.reaction",
    );
    const readable = !event.isEncrypted()
        || (!event.isDecryptionFailure() && event.getClearContent() !== null);
    return {
        id: event.getId(),
        sender: event.getSender(),
        body: readable ? (event.getContent().body ?? null) : null,
        content: readable ? event.getContent() : {},
        formatted: readable ? (event.getContent().formatted_body ?? null) : null,
        mentions: readable ? (event.getContent()["m.mentions"]?.user_ids ?? []) : [],
        encrypted: event.isEncrypted(),
        readable,
        failure: event.decryptionFailureReason,
        shield: await shieldOf(device, event),
        reply: event.replyEventId ?? null,
        thread: event.threadRootId ?? null,
        edited: Boolean(event.replacingEvent()),
        deleted: event.isRedacted(),
        readers: room.getUsersReadUpTo(event).filter((user) => user !== event.getSender()),
        reactions: (reactions?.getSortedAnnotationsByKey() ?? [])
            .filter(([, given]) => given.size > 0).map(([key]) => key),
    };
}

const isMessage = (event) => ["m.room.message", "m.room.encrypted"].includes(event.getType());

const eventsOf = (device, roomId) => (
    (device.client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []).filter(isMessage)
);

// In threads, which have timelines of their own
const threadedOf = (device, roomId) => (
    (device.client.getRoom(roomId)?.getThreads() ?? []).flatMap((thread) => thread.events)
        .filter(isMessage)
);

export const acts = {
    // -> room ID
    async createDirect(device, { user, encrypted }) {
        const initial = [state("m.room.guest_access", { guest_access: "can_join" })];
        if (encrypted) initial.push(ENCRYPTION);
        initial.push(state("m.room.history_visibility", { history_visibility: "invited" }));
        const { room_id: roomId } = await device.client.createRoom({
            preset: "trusted_private_chat",
            visibility: "private",
            is_direct: true,
            invite: [user],
            initial_state: initial,
        });
        await recordDirect(device, roomId, user);
        await device.until("the new room", () => device.client.getRoom(roomId)?.roomId, roomId);
        return roomId;
    },

    // Join, and record the room as a direct chat if the invite says so; -> whether it does
    async accept(device, { roomId }) {
        await invited(device, roomId);
        const inviter = roomOf(device, roomId).getDMInviter();
        await device.client.joinRoom(roomId);
        const membership = () => device.client.getRoom(roomId)?.getMyMembership();
        await device.until("the join", membership, "join");
        if (inviter) await recordDirect(device, roomId, inviter);
        return Boolean(inviter);
    },

    async invite(device, { roomId, user }) {
        await device.client.invite(roomId, user);
    },

    async leave(device, { roomId }) {
        await device.client.leave(roomId);
    },

    // -> ID of the new room, to which everybody is invited
    async upgrade(device, { roomId, version }) {
        const others = roomOf(device, roomId).getMembers()
            .filter(({ userId, membership }) => (
                userId !== device.userId && ["join", "invite"].includes(membership)
            ));
        const { replacement_room: newId } = await device.client.upgradeRoom(roomId, version);
        await device.until("the upgraded room", () => device.client.getRoom(newId)?.roomId, newId);
        for (const { userId } of others) await device.client.invite(newId, userId);
        return newId;
    },

    async setTyping(device, { roomId, typing }) {
        await device.client.sendTyping(roomId, typing, 30000);
    },

    async markUnread(device, { roomId, unread }) {
        await device.client.setRoomAccountData(roomId, MARKED_UNREAD[0], { unread });
    },

    async ignore(device, { users }) {
        await device.client.setIgnoredUsers(users);
    },

    async setName(device, { name }) {
        await device.client.setDisplayName(name);
    },

    async read(device, { roomId, event }) {
        const known = () => roomOf(device, roomId).findEventById(event);
        await device.until("the message", () => known()?.getId(), event);
        await device.client.sendReadReceipt(known());
    },

    async setDirect(device, { content }) {
        await device.client.setAccountData("m.direct", content);
    },

    // -> event ID; as those below
    send: (device, { roomId, body, formatted }) => sent(device, roomId, "m.room.message", {
        ...text(body), ...html(formatted),
    }),

    say: (device, { roomId, type, content }) => sent(device, roomId, type, content),

    reply: (device, { roomId, event, body }) => sent(device, roomId, "m.room.message", {
        ...text(body), ...relation({ "m.in_reply_to": { event_id: event } }),
    }),

    edit: (device, { roomId, event, body }) => sent(device, roomId, "m.room.message", {
        ...text(`* ${body}`),
        "m.new_content": text(body),
        ...relation({ rel_type: "m.replace", event_id: event }),
    }),

    // As its thread view does, with the newest event there for clients that know no threads
    thread: (device, { roomId, root, event, body }) => sent(device, roomId, "m.room.message", {
        ...text(body),
        ...relation({
            rel_type: "m.thread",
            event_id: root,
            is_falling_back: true,
            "m.in_reply_to": { event_id: event },
        }),
    }),

    redact: async (device, { roomId, event }) => (
        (await device.client.redactEvent(roomId, event)).event_id
    ),

    react: (device, { roomId, event, key }) => sent(device, roomId, "m.reaction", relation(
        { rel_type: "m.annotation", event_id: event, key },
    )),
};

export const views = {
    direct: async (device) => (await device.client.getAccountDataFromServer("m.direct")) ?? {},

    async room(device, { roomId }) {
        const room = device.client.getRoom(roomId);
        if (!room) return null;
        return {
            membership: room.getMyMembership(),
            encrypted: room.hasEncryptionStateEvent(),
            inviter: room.getDMInviter() ?? null,
            members: Object.fromEntries(room.getMembers().map((m) => [m.userId, m.membership])),
            typing: room.getMembers().filter((m) => m.typing).map((m) => m.userId),
            marked_unread: isMarkedUnread(room),
            names: Object.fromEntries(room.getMembers().map((m) => [m.userId, m.rawDisplayName])),
        };
    },

    ignored: (device) => Object.fromEntries(
        device.client.getIgnoredUsers().map((user) => [user, true]),
    ),

    // The newest message that is `event`, or whose text is `body`
    async message(device, { roomId, event, body }) {
        const events = [...threadedOf(device, roomId), ...eventsOf(device, roomId)];
        const found = events.findLast((candidate) => (
            event ? candidate.getId() === event : candidate.getContent().body === body
        ));
        return found ? await seen(device, roomOf(device, roomId), found) : null;
    },

    async messages(device, { roomId }) {
        const room = roomOf(device, roomId);
        return await Promise.all(eventsOf(device, roomId).map((event) => seen(device, room, event)));
    },
};
