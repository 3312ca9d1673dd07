// Conversations as files: JSON, which holds all of them, and Markdown, which people read.
import { readConversation, titleOf } from './conversations.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */

const FORMAT = 'trit-chat';
const VERSION = 1;

/** Nothing that people write is longer. */
const MOST_BYTES = 64 << 20;

const SPEAKERS = { user: 'You', assistant: 'Model' };
const HEADING = /^## (You|Model)$/;

/** @param {Conversation[]} conversations */
export function toJson(conversations) {
    const told = conversations.map(({ id: _, revision: __, ...rest }) => rest);
    return JSON.stringify({ format: FORMAT, version: VERSION, conversations: told }, null, 1);
}

/** A line of a message that looks like ours gets a backslash, as does one that has it already. */
const escapeLines = (/** @type {string} */ text) => text.replace(/^(\\*)(?=#)/gm, '\\$1');
const unescapeLines = (/** @type {string} */ text) => text.replace(/^\\(\\*)(?=#)/gm, '$1');

/** @param {Conversation} conversation */
export function toMarkdown(conversation) {
    const title = `# ${titleOf(conversation)}`;
    const parts = conversation.messages.map(
        ({ role, text }) => `## ${SPEAKERS[role]}\n\n${escapeLines(text)}`,
    );
    return `${[title, ...parts].join('\n\n')}\n`;
}

/**
 * @param {string} text as `toMarkdown` writes it
 * @returns {any} null when no line says who speaks
 */
function fromMarkdown(text) {
    const messages = [];
    let title = '';
    for (const line of text.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n')) {
        const [, speaker] = HEADING.exec(line) ?? [];
        if (speaker) messages.push({ role: speaker === 'You' ? 'user' : 'assistant', lines: [] });
        else if (messages.length > 0) /** @type {any} */ (messages.at(-1)).lines.push(line);
        else if (line.startsWith('# ')) title = line.slice(2);
    }
    if (messages.length === 0) return null;
    const last = messages.length - 1;
    return {
        title,
        messages: messages.map(({ role, lines }, i) => {
            // an empty line after the heading, and one before the next
            const own = lines.slice(1, i < last ? -1 : undefined);
            return { role, text: unescapeLines(own.join('\n')) };
        }),
    };
}

/**
 * The conversations of a file.
 * @param {File} file
 * @returns {Promise<Omit<Conversation, 'id' | 'revision'>[]>}
 */
export async function readConversations(file) {
    if (file.size > MOST_BYTES)
        throw new Error('The file is longer than 64 MiB: it holds no conversations of this page.');
    const text = await file.text();
    const isJson = text.trimStart().startsWith('{');
    const raw = isJson ? parse(text) : [fromMarkdown(text)];
    const found = raw.map(readConversation);
    if (found.length === 0 || found.includes(null))
        throw new Error(
            'The file holds no conversations that this page knows: choose one that was exported here, as JSON or Markdown.',
        );
    return /** @type {any} */ (found);
}

/** @param {string} text @returns {any[]} */
function parse(text) {
    try {
        const { format, version, conversations } = JSON.parse(text);
        if (format !== FORMAT || !Array.isArray(conversations)) return [];
        if (version === VERSION) return conversations;
    } catch {
        return [];
    }
    throw new Error(
        'The file comes from a newer version of this page: update the page, then import it again.',
    );
}

/**
 * Hands a file to the person.
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
export function download(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement('a');
    Object.assign(link, { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {string} title @param {string} ending */
export const fileName = (title, ending) =>
    `${title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'conversation'}.${ending}`;
