import { TritError } from './errors.js';

/** @typedef {import('./protocol.js').Message} Message */

/** Milliseconds that a template may take, and that its worker may take to start. */
const RENDER_MS = 500;
const START_MS = 20000;

/** A conversation's text stays below what any context holds, however often a template repeats it. */
const MOST_CHARACTERS = 1 << 25;

/**
 * Message i is rendered as the private character U+E000 + i: no filter changes it and nothing splits it.
 * What the template writes around it is all that the template's worker ever sees.
 */
const FIRST_STAND_IN = 0xe000;
const MOST_MESSAGES = 0xf8ff - FIRST_STAND_IN + 1;

/**
 * White space around a text stays as it is, so that `trim` does what it should; a text of nothing else is
 * no secret.
 * @param {string} text
 */
function splitSpace(text) {
    const core = text.trim();
    const begin = text.indexOf(core);
    return { before: text.slice(0, begin), core, after: text.slice(begin + core.length) };
}

/**
 * Renders a conversation by a template that is a program of the model's, in a worker of its own that is
 * ended when it takes too long.
 * @param {() => import('./client.js').Endpoint} startWorker
 * @param {{template: string, bosToken: string, eosToken: string}} model
 * @param {Message[]} messages
 * @returns {Promise<string[]>} what the template wrote, what a message says, and so on in turn
 */
export async function renderTemplate(startWorker, model, messages) {
    if (messages.length > MOST_MESSAGES)
        throw new TritError('PARAM', `more than ${MOST_MESSAGES} messages`);
    const texts = messages.map(({ content }) => splitSpace(content));
    const disguised = texts.map(({ before, core, after }, i) => ({
        role: messages[i].role,
        content: before + (core && String.fromCharCode(FIRST_STAND_IN + i)) + after,
    }));
    const rendered = await runWorker(startWorker, { ...model, messages: disguised });
    if (rendered === '') throw new TritError('TEMPLATE', 'the chat template wrote nothing');
    return insertTexts(
        rendered,
        texts.map(({ core }) => core),
    );
}

/**
 * @param {string} rendered
 * @param {string[]} texts
 */
function insertTexts(rendered, texts) {
    const parts = [''];
    let length = rendered.length;
    for (const piece of rendered.split(/([\ue000-\uf8ff])/)) {
        const text = texts[piece.charCodeAt(0) - FIRST_STAND_IN];
        if (piece.length !== 1 || !text) {
            parts[parts.length - 1] += piece;
            continue;
        }
        length += text.length;
        if (length > MOST_CHARACTERS)
            throw new TritError('TEMPLATE', 'the chat template repeats messages too often');
        parts.push(text, '');
    }
    return parts;
}

/**
 * @param {() => import('./client.js').Endpoint} startWorker
 * @param {import('./protocol.js').TemplateJob} job
 * @returns {Promise<string>}
 */
async function runWorker(startWorker, job) {
    const endpoint = startWorker();
    /** @type {(answer: any) => void} */
    let take = () => {};
    /** @param {number} milliseconds @param {string} late */
    const next = (milliseconds, late) =>
        new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new TritError('TEMPLATE', late)), milliseconds);
            take = (value) => {
                clearTimeout(timer);
                resolve(value);
            };
        });
    endpoint.onMessage((message) => take(message));
    endpoint.onFailure((error) => take({ error: TritError.from(error, 'TEMPLATE').message }));
    try {
        const started = await next(START_MS, 'the worker for the chat template does not start');
        if (started.error) throw new TritError('RUNTIME_LOAD', started.error);
        const answer = next(RENDER_MS, `the chat template takes longer than ${RENDER_MS} ms`);
        answer.catch(() => {});
        endpoint.post(job);
        const { text, error } = await answer;
        if (error !== undefined)
            throw new TritError('TEMPLATE', `the chat template failed: ${error}`);
        return text;
    } finally {
        endpoint.terminate();
    }
}
