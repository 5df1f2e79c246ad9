// How people show themselves in Element: their picture, and their presence with its status.
import { fetched } from "./files.mjs";

export const acts = {
    // -> the picture's URI
    async setPicture(device, { base64, type }) {
        const picture = Buffer.from(base64, "base64");
        const uploaded = await device.client.uploadContent(picture, { type, includeFilename: false });
        await device.client.setAvatarUrl(uploaded.content_uri);
        return uploaded.content_uri;
    },

    // -> the picture itself, of whoever has one
    async picture(device, { user }) {
        const { avatar_url: uri } = await device.client.getProfileInfo(user);
        return uri ? (await fetched(device, uri)).toString("base64") : null;
    },
};

export const views = {
    profile(device, { user }) {
        const known = device.client.getUser(user);
        const members = device.client.getRooms().map((room) => room.getMember(user));
        return known && {
            presence: known.presence,
            status: known.presenceStatusMsg ?? null,
            picture: members.some((member) => member?.getMxcAvatarUrl()),
        };
    },
};
