import { TritError } from './errors.js';

/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */
/** @typedef {import('./protocol.js').Message} Message */

/**
 * What `create` takes, named as OpenAI names it. What stands in IGNORED is passed over; every other field that is set
 * is refused by its name, as it would change what the answer means.
 * @typedef {object} Request
 * @property {ChatMessage[]} messages
 * @property {string} [model] told again in the answer; the model is the one that `openai` was given
 * @property {boolean | null} [stream]
 * @property {{include_usage?: boolean, include_obfuscation?: boolean} | null} [stream_options]
 * @property {number | null} [max_tokens]
 * @property {number | null} [max_completion_tokens]
 * @property {number | null} [temperature] without it, as `GenerateOptions` has it, like all below
 * @property {number | null} [top_p]
 * @property {number | null} [top_k] as llama.cpp's server names it, like the next two
 * @property {number | null} [min_p]
 * @property {number | null} [repeat_penalty]
 * @property {number | null} [frequency_penalty]
 * @property {number | null} [presence_penalty]
 * @property {Record<string, number> | null} [logit_bias]
 * @property {number | null} [seed]
 * @property {string | string[] | null} [stop]
 * @property {boolean | null} [logprobs]
 * @property {number | null} [top_logprobs]
 * @property {1 | null} [n]
 * @property {ResponseFormat} [response_format]
 *
 * @typedef {{type: 'text'} | {type: 'json_object'}
 *   | {type: 'json_schema', json_schema: {name?: string, description?: string, schema: object, strict?: boolean | null}}} ResponseFormat
 *
 * @typedef {string | {type: 'text', text: string}[]} Content
 *
 * @typedef {object} ChatMessage
 * @property {'system' | 'developer' | 'user' | 'assistant'} role
 * @property {Content} content
 */

/** They name the caller, keep a copy, or say how fast it is to be: nothing of that is in an answer here. */
const IGNORED = new Set([
    ...['user', 'metadata', 'store', 'service_tier', 'safety_identifier', 'prediction'],
    ...['prompt_cache_key', 'prompt_cache_retention', 'parallel_tool_calls'],
]);

/** Numbers, and what they are here. */
const NUMBERS = Object.freeze({
    temperature: 'temperature',
    top_p: 'topP',
    top_k: 'topK',
    min_p: 'minP',
    repeat_penalty: 'repeatPenalty',
    frequency_penalty: 'frequencyPenalty',
    presence_penalty: 'presencePenalty',
});

/** Fields of a request and of a message that are taken, beside the numbers. */
const TAKEN = new Set([
    ...['messages', 'model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens'],
    ...['logit_bias', 'seed', 'stop', 'logprobs', 'top_logprobs', 'n', 'response_format'],
    ...Object.keys(NUMBERS),
]);
const TAKEN_OF_MESSAGES = new Set(['role', 'content']);

const ROLES = Object.freeze({
    system: 'system',
    developer: 'system',
    user: 'user',
    assistant: 'assistant',
});

/** @param {string} message */
const refusal = (message) => new TritError('PARAM', message);

/**
 * @param {any} object
 * @param {string} what
 * @param {Set<string>} taken
 */
function checkFields(object, what, taken) {
    if (typeof object !== 'object' || object === null || Array.isArray(object))
        throw refusal(`${what} is no object`);
    for (const [name, value] of Object.entries(object)) {
        const isSet = value !== undefined && value !== null && value?.length !== 0;
        if (isSet && !taken.has(name) && !IGNORED.has(name))
            throw refusal(`${what} has ${name}, which trit does not know: leave it out`);
    }
}

/**
 * The text of all parts, which may be of no other kind.
 * @param {any} content
 * @returns {string}
 */
function textOf(content) {
    if (typeof content === 'string') return content;
    if (!Array.isArray(content))
        throw refusal('the content of a message is neither a string nor a list of text parts');
    return content
        .map((part) => {
            if (part?.type === 'text' && typeof part.text === 'string') return part.text;
            throw refusal(
                `a message has a part of type ${part?.type}, and trit takes only texts: leave it out`,
            );
        })
        .join('');
}

/**
 * @param {any} messages
 * @returns {Message[]}
 */
function messagesOf(messages) {
    if (!Array.isArray(messages)) throw refusal('messages is no array');
    return messages.map((message) => {
        checkFields(message, 'a message', TAKEN_OF_MESSAGES);
        const { role, content } = message;
        if (!Object.hasOwn(ROLES, role))
            throw refusal(`a message has the role ${role}, and trit has no tools: leave it out`);
        return { role: ROLES[/** @type {keyof typeof ROLES} */ (role)], content: textOf(content) };
    });
}

/**
 * @param {any} format
 * @returns {GenerateOptions['jsonSchema']}
 */
function schemaOf(format) {
    if (format === undefined || format === null) return undefined;
    const { type } = format;
    if (type === 'text') return undefined;
    if (type === 'json_object') return { type: 'object' };
    const { schema } = format.json_schema ?? {};
    if (type !== 'json_schema' || typeof schema !== 'object' || schema === null)
        throw refusal('response_format is neither text, json_object nor json_schema with a schema');
    return schema;
}

/**
 * @param {any} request
 * @returns {number | undefined} so many of the likeliest; undefined: nothing of them is told
 */
function logprobsOf({ logprobs, top_logprobs: top }) {
    if (logprobs) return top ?? 0;
    if (top) throw refusal('top_logprobs needs logprobs: true');
    return undefined;
}

/** OpenAI takes seeds below 0, too. @param {any} seed */
const seedOf = (seed) => (Number.isSafeInteger(seed) ? BigInt.asUintN(64, BigInt(seed)) : seed);

/**
 * @param {any} request
 * @returns {{messages: Message[], options: GenerateOptions, isStream: boolean, withUsage: boolean}}
 */
export function readRequest(request) {
    checkFields(request, 'the request', TAKEN);
    const { stream, stream_options: streamOptions, n, stop } = request;
    if ((n ?? 1) !== 1) throw refusal('n is not 1: ask as often as you want answers');
    /** @type {Record<string, any>} */
    const options = {
        maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
        stop: typeof stop === 'string' ? [stop] : (stop ?? undefined),
        seed: seedOf(request.seed ?? undefined),
        logitBias: request.logit_bias ?? undefined,
        logprobs: logprobsOf(request),
        jsonSchema: schemaOf(request.response_format),
        penaltyLast: -1, // of all the text, as OpenAI says
    };
    for (const [theirs, ours] of Object.entries(NUMBERS))
        options[ours] = request[theirs] ?? undefined;
    return {
        messages: messagesOf(request.messages),
        options,
        isStream: Boolean(stream),
        withUsage: Boolean(streamOptions?.include_usage),
    };
}
