import { TritError } from './errors.js';
import { readRequest } from './openai-request.js';
import { checkOptions } from './params.js';

/** @typedef {import('./generation.js').Generation} Generation */
/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./openai-request.js').Request} Request */
/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */

/**
 * @typedef {object} Usage
 * @property {number} prompt_tokens
 * @property {number} completion_tokens
 * @property {number} total_tokens
 * @property {{cached_tokens: number}} prompt_tokens_details
 *
 * @typedef {object} TokenLogprob
 * @property {string} token its text; bytes that are no whole character are U+FFFD in it
 * @property {number} logprob
 * @property {number[]} bytes of its text; none of a special token
 *
 * @typedef {TokenLogprob & {top_logprobs: TokenLogprob[]}} ContentLogprob
 * @typedef {{content: ContentLogprob[], refusal: null}} Logprobs
 *
 * @typedef {object} Choice
 * @property {0} index
 * @property {{role: 'assistant', content: string, refusal: null}} message
 * @property {Logprobs | null} logprobs
 * @property {'stop' | 'length'} finish_reason
 *
 * @typedef {object} Completion
 * @property {string} id
 * @property {'chat.completion'} object
 * @property {number} created seconds since 1970
 * @property {string} model
 * @property {Choice[]} choices
 * @property {Usage} usage
 *
 * @typedef {object} ChunkChoice
 * @property {0} index
 * @property {{role?: 'assistant', content?: string}} delta
 * @property {Logprobs | null} logprobs of the whole answer, in the chunk that ends it
 * @property {'stop' | 'length' | null} finish_reason
 *
 * @typedef {object} Chunk
 * @property {string} id
 * @property {'chat.completion.chunk'} object
 * @property {number} created
 * @property {string} model
 * @property {ChunkChoice[]} choices none in the last one, which tells `usage`
 * @property {Usage | null} [usage] when `stream_options` asks for it
 *
 * An answer in the making. Leaving the loop, or `controller.abort()`, stops the work, and the chunks end.
 * @typedef {AsyncIterable<Chunk> & {controller: AbortController}} Stream
 */

/**
 * A model with the face of OpenAI's client, as far as conversations go. What trit cannot do is refused by its name,
 * with a TritError.
 * @param {Model} model
 */
export function openai(model) {
    return { chat: { completions: { create: completionsOf(model) } } };
}

/** @param {Model} model */
function completionsOf(model) {
    /**
     * @overload
     * @param {Request & {stream: true}} request
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Stream>}
     *
     * @overload
     * @param {Request & {stream?: false | null}} request
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Completion>}
     *
     * @param {Request} request
     * @param {{signal?: AbortSignal}} [own]
     * @returns {Promise<any>}
     */
    async function create(request, own = {}) {
        const { signal } = checkOptions(own);
        const { messages, options, isStream, withUsage } = readRequest(request);
        const controller = new AbortController();
        const stop = () => controller.abort(signal?.reason);
        if (signal?.aborted) stop();
        signal?.addEventListener('abort', stop, { once: true });
        const answer = model.generate({ messages }, { ...options, signal: controller.signal });
        const done = () => signal?.removeEventListener('abort', stop);
        answer.result.then(done, done);
        const head = headOf(request.model ?? model.info.card?.name ?? 'trit');
        if (!isStream) return completion(model, answer, head);
        return {
            controller,
            [Symbol.asyncIterator]: () => chunks(model, answer, head, withUsage),
        };
    }
    return create;
}

let lastId = 0;

/** @param {string} model */
const headOf = (model) => ({
    id: `chatcmpl-${Date.now().toString(36)}-${++lastId}`,
    created: Math.floor(Date.now() / 1000),
    model,
});

/** @typedef {ReturnType<typeof headOf>} Head */

/**
 * @param {Model} model
 * @param {Generation} answer
 * @param {Head} head
 * @returns {Promise<Completion>}
 */
async function completion(model, answer, head) {
    const result = await answer.result;
    const { text, finish } = result;
    if (finish === 'abort') throw new TritError('ABORTED', 'the work was stopped by the caller');
    const message = /** @type {const} */ ({ role: 'assistant', content: text, refusal: null });
    const logprobs = await logprobsOf(model, result);
    return {
        ...head,
        object: 'chat.completion',
        choices: [{ index: 0, message, logprobs, finish_reason: finish }],
        usage: usageOf(result),
    };
}

/**
 * @param {Model} model
 * @param {Generation} answer
 * @param {Head} head
 * @param {boolean} withUsage
 * @returns {AsyncGenerator<Chunk, void, void>}
 */
async function* chunks(model, answer, head, withUsage) {
    const object = /** @type {const} */ ('chat.completion.chunk');
    const common = { ...head, object, ...(withUsage ? { usage: null } : {}) };
    /**
     * @param {ChunkChoice['delta']} delta
     * @param {Partial<ChunkChoice>} [end]
     * @returns {Chunk}
     */
    const chunk = (delta, end) => ({
        ...common,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...end }],
    });
    try {
        yield chunk({ role: 'assistant', content: '' });
        for await (const content of answer) yield chunk({ content });
        const result = await answer.result;
        if (result.finish === 'abort') return;
        const logprobs = await logprobsOf(model, result);
        yield chunk({}, { logprobs, finish_reason: result.finish });
        if (withUsage) yield { ...common, choices: [], usage: usageOf(result) };
    } catch (error) {
        if (!(error instanceof TritError && error.code === 'ABORTED')) throw error;
    }
}

/**
 * @param {GenerateResult} result
 * @returns {Usage}
 */
const usageOf = ({ usage: { promptTokens, cachedTokens, completionTokens } }) => ({
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
});

/**
 * @param {Model} model
 * @param {GenerateResult} result
 * @returns {Promise<Logprobs | null>}
 */
async function logprobsOf(model, { logprobs }) {
    if (!logprobs) return null;
    const ids = [
        ...new Set(logprobs.flatMap(({ id, top }) => [id, ...top.map((each) => each.id)])),
    ];
    const bytes = await model.tokenBytes(ids);
    const known = new Map(ids.map((id, i) => [id, bytes[i]]));
    /** @param {{id: number, logprob: number}} entry */
    const tell = ({ id, logprob }) => {
        const own = known.get(id) ?? new Uint8Array();
        return { token: new TextDecoder().decode(own), logprob, bytes: Array.from(own) };
    };
    const content = logprobs.map((entry) => ({
        ...tell(entry),
        top_logprobs: entry.top.map(tell),
    }));
    return { content, refusal: null };
}
