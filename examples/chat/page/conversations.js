import { del, entries, get, set } from './vendor/idb-keyval.js';
import { openStore } from './database.js';
import { NO_SETTINGS, readSettings } from './settings.js';

/**
 * @typedef {object} Message
 * @property {'user' | 'assistant'} role
 * @property {string} text
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title '' until it has one: then its first words stand for it
 * @property {'story' | 'chat'} mode
 * @property {import('./settings.js').Settings} settings
 * @property {number} created milliseconds since 1970
 * @property {number} changed
 * @property {number} revision counts what was stored, 0 before the first time
 * @property {Message[]} messages
 */

const TITLE_LETTERS = 60;
/** In which they are looked for: a text may be as long as a file, and is looked at at every drawing. */
const TITLE_SPACE = 1000;

/** Also where the page is no secure context, which has no `randomUUID`. */
const newId = () =>
    [...crypto.getRandomValues(new Uint8Array(16))]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('');

/**
 * @param {'story' | 'chat'} mode
 * @param {Partial<Conversation>} [rest]
 * @returns {Conversation}
 */
export function newConversation(mode, rest = {}) {
    const now = Date.now();
    const fresh = { id: newId(), created: now, changed: now, revision: 0 };
    return { title: '', mode, settings: { ...NO_SETTINGS }, messages: [], ...rest, ...fresh };
}

/** @param {Conversation} conversation */
export function titleOf({ title, messages }) {
    const begin = (title || (messages[0]?.text ?? '')).trimStart().slice(0, TITLE_SPACE);
    const words = begin.trim().replace(/\s+/g, ' ');
    const letters = [...words];
    if (letters.length === 0) return 'New conversation';
    return letters.length > TITLE_LETTERS ? `${letters.slice(0, TITLE_LETTERS).join('')}…` : words;
}

/**
 * Whether what is looked for stands in it.
 * @param {Conversation} conversation
 * @param {string} wanted
 */
export function holds(conversation, wanted) {
    const low = wanted.trim().toLowerCase();
    const texts = [conversation.title, ...conversation.messages.map(({ text }) => text)];
    return texts.some((text) => text.toLowerCase().includes(low));
}

/**
 * What a file or another version of the page may have written, as a conversation; null when it is none.
 * @param {any} raw
 * @returns {Omit<Conversation, 'id' | 'revision'> | null}
 */
export function readConversation(raw) {
    if (!Array.isArray(raw?.messages)) return null;
    const messages = raw.messages.filter(
        (/** @type {any} */ message) =>
            ['user', 'assistant'].includes(message?.role) && typeof message.text === 'string',
    );
    if (messages.length !== raw.messages.length) return null;
    const time = (/** @type {any} */ value) => (Number.isFinite(value) ? value : Date.now());
    return {
        title: typeof raw.title === 'string' ? raw.title : '',
        mode: raw.mode === 'story' ? 'story' : 'chat',
        settings: readSettings(raw.settings),
        created: time(raw.created),
        changed: time(raw.changed),
        messages: messages.map(({ role, text }) => ({ role, text })),
    };
}

/** @param {any} raw @returns {number} */
const revisionOf = (raw) => (Number.isSafeInteger(raw?.revision) ? raw.revision : 0);

/**
 * As `readConversation`, of the database: whatever stands there stays there, but hides no other.
 * @param {IDBValidKey} id
 * @param {any} raw
 * @returns {Conversation | null}
 */
function readStored(id, raw) {
    const conversation = typeof id === 'string' ? readConversation(raw) : null;
    return conversation && { ...conversation, id, revision: revisionOf(raw) };
}

/**
 * Puts a conversation in the place of the one it was made of, in one transaction; one that is something else by now, or
 * deleted, stays.
 * @param {IDBObjectStore} store
 * @param {Conversation} conversation
 * @returns {Promise<'stored' | 'copied' | 'deleted'>} copied: it needs a place of its own
 */
function put(store, conversation) {
    const { transaction } = store;
    const there = store.get(conversation.id);
    return new Promise((resolve, reject) => {
        let isCounted = false;
        there.onsuccess = () => {
            const { revision } = conversation;
            if (there.result ? revisionOf(there.result) !== revision : revision > 0) return;
            // counted at once, as a second change may be waiting for this transaction to end
            conversation.revision++;
            isCounted = true;
            store.put(conversation, conversation.id);
        };
        transaction.oncomplete = () =>
            resolve(isCounted ? 'stored' : there.result ? 'copied' : 'deleted');
        transaction.onabort = () => {
            if (isCounted) conversation.revision--;
            reject(transaction.error);
        };
    });
}

/**
 * The conversations of this browser. Tabs tell each other what they have changed.
 */
export class Conversations {
    #store = openStore('trit-chat');
    #others = new BroadcastChannel('trit-chat');

    /** @param {() => void} onChange something was changed in another tab */
    constructor(onChange) {
        this.#others.onmessage = () => onChange();
    }

    /** @returns {Promise<Conversation[]>} those changed last first */
    async all() {
        const pairs = await entries(this.#store);
        const all = pairs.map(([id, raw]) => readStored(id, raw));
        return all.filter((each) => each !== null).sort((a, b) => b.changed - a.changed);
    }

    /** @param {string} id @returns {Promise<Conversation | null>} */
    async get(id) {
        return readStored(id, await get(id, this.#store));
    }

    /**
     * Stores what has come, and counts its revision up. Where another tab has stored something else meanwhile, this one
     * becomes a conversation of its own, so that nothing is lost; where it was deleted there, it stays deleted.
     * @param {Conversation} conversation
     * @returns {Promise<'stored' | 'copied' | 'deleted'>}
     */
    async save(conversation) {
        conversation.changed = Date.now();
        const outcome = await this.#store('readwrite', (store) => put(store, conversation));
        if (outcome === 'copied') {
            Object.assign(conversation, { id: newId(), revision: 1 });
            conversation.title = `${titleOf(conversation)} (this tab)`;
            await set(conversation.id, conversation, this.#store);
        }
        this.#others.postMessage('changed');
        return outcome;
    }

    /** @param {string} id */
    async remove(id) {
        await del(id, this.#store);
        this.#others.postMessage('changed');
    }
}
