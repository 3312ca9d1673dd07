import { defaults } from './defaults.js';
import { TritError } from './errors.js';

/**
 * @typedef {object} GenerateOptions
 * @property {number} [maxTokens] at most this many tokens; without it, until the context is full
 * @property {number} [temperature] 0 takes the likeliest token
 * @property {number} [topK] 0 is off
 * @property {number} [topP] 1 is off
 * @property {number} [minP] 0 is off
 * @property {number} [repeatPenalty] 1 is off
 * @property {number} [frequencyPenalty] 0 is off
 * @property {number} [presencePenalty] 0 is off
 * @property {number} [penaltyLast] how many last tokens the penalties look at, -1 = all
 * @property {Record<string, number> | Map<number, number>} [logitBias] what is added to the logit of
 *   a token id; -Infinity forbids the token
 * @property {string[]} [stop] texts at which the answer ends; they are not part of it
 * @property {number | bigint} [seed] a whole number in 0 ... 2^64 - 1; without it, a random one
 * @property {number} [logprobs] also what the model itself makes of each token, and so many (0 ... 20) of the
 *   likeliest ones beside it
 * @property {string} [grammar] what the answer must be, in GBNF, the notation of llama.cpp, from its rule root on; where
 *   nothing can follow, the answer ends
 * @property {object | true} [jsonSchema] a JSON schema, by which the answer is JSON; true lets any JSON through. Instead of
 *   `grammar`
 * @property {AbortSignal} [signal]
 */

/**
 * What the worker gets: complete, checked, and free of what cannot be sent.
 * @typedef {object} GenerateParams
 * @property {number | null} maxTokens
 * @property {number} temperature
 * @property {number} topK
 * @property {number} topP
 * @property {number} minP
 * @property {number} repeatPenalty
 * @property {number} frequencyPenalty
 * @property {number} presencePenalty
 * @property {number} penaltyLast
 * @property {[number, number][]} logitBias
 * @property {string[]} stop
 * @property {bigint} seed
 * @property {number | null} logprobs
 * @property {{kind: 'grammar' | 'schema', text: string} | null} grammar a schema as the text of its JSON
 */

const INT32_MAX = 2 ** 31 - 1;

/** The engine's own limit. */
const MOST_LOGPROBS = 20;

/**
 * What every call asks of its options, whatever else they hold.
 * @template {object} T
 * @param {T} options
 * @returns {T}
 */
export function checkOptions(options) {
    if (typeof options !== 'object' || options === null)
        throw new TritError('PARAM', 'the options are no object');
    const { signal, onProgress } = /** @type {any} */ (options);
    if (signal !== undefined && signal !== null && typeof signal.addEventListener !== 'function')
        throw new TritError('PARAM', 'signal is not an AbortSignal');
    if (onProgress !== undefined && onProgress !== null && typeof onProgress !== 'function')
        throw new TritError('PARAM', 'onProgress is not a function');
    return options;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} low
 * @param {number} [high]
 * @returns {number}
 */
export function checkInteger(name, value, low, high = INT32_MAX) {
    if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high)
        return value;
    const range = high === INT32_MAX ? `of at least ${low}` : `in ${low} ... ${high}`;
    throw new TritError('PARAM', `${name} is not a whole number ${range}`);
}

/**
 * The engine knows each range; that a number is a number is checked here.
 * @param {string} name
 * @param {unknown} value
 * @param {number} low
 * @returns {number}
 */
function checkReal(name, value, low) {
    if (typeof value === 'number' && Number.isFinite(value) && value >= low) return value;
    const range = low === 0 ? ' of at least 0' : '';
    throw new TritError('PARAM', `${name} is not a finite number${range}`);
}

/**
 * @param {unknown} seed
 * @returns {bigint}
 */
function checkSeed(seed) {
    if (seed === undefined || seed === null) return randomSeed();
    const whole =
        typeof seed === 'bigint' || (typeof seed === 'number' && Number.isSafeInteger(seed));
    if (!whole || BigInt(seed) < 0n || BigInt(seed) >= 2n ** 64n)
        throw new TritError('PARAM', 'seed is not a whole number in 0 ... 2^64 - 1');
    return BigInt(seed);
}

function randomSeed() {
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    return (BigInt(high) << 32n) | BigInt(low);
}

/**
 * @param {unknown} stop
 * @returns {string[]}
 */
function checkStop(stop) {
    if (stop === undefined || stop === null) return [];
    // a copy has no holes, which `some` would pass over
    if (!Array.isArray(stop) || [...stop].some((text) => typeof text !== 'string' || text === ''))
        throw new TritError('PARAM', 'stop is not an array of texts that are not empty');
    return [...stop];
}

/**
 * @param {GenerateOptions['logitBias']} bias
 * @returns {[number, number][]}
 */
function checkBias(bias) {
    if (bias === undefined || bias === null) return [];
    if (typeof bias !== 'object') throw new TritError('PARAM', 'logitBias is no object');
    /** @type {[unknown, number][]} */
    const pairs =
        bias instanceof Map
            ? [...bias]
            : Object.entries(bias).map(([id, value]) => [
                  /^\d+$/.test(id) ? Number(id) : id,
                  value,
              ]);
    return pairs.map(([key, value]) => {
        const id = checkInteger('a token id in logitBias', key, 0);
        if (value !== -Infinity && !Number.isFinite(value))
            throw new TritError(
                'PARAM',
                `logitBias of token ${id} is neither finite nor -Infinity`,
            );
        return [id, value];
    });
}

/**
 * @param {GenerateOptions} options
 * @returns {GenerateParams['grammar']}
 */
function checkGrammar({ grammar, jsonSchema }) {
    const hasSchema = jsonSchema !== undefined && jsonSchema !== null;
    if (grammar !== undefined && grammar !== null) {
        if (typeof grammar !== 'string') throw new TritError('PARAM', 'grammar is not a string');
        if (hasSchema) throw new TritError('PARAM', 'give either grammar or jsonSchema');
        return { kind: 'grammar', text: grammar };
    }
    return hasSchema ? { kind: 'schema', text: schemaText(jsonSchema) } : null;
}

/** @param {unknown} schema */
function schemaText(schema) {
    if (schema !== true && (typeof schema !== 'object' || Array.isArray(schema)))
        throw new TritError('BAD_SCHEMA', 'jsonSchema is neither an object nor true');
    let text;
    let cause;
    try {
        text = JSON.stringify(schema);
    } catch (error) {
        cause = error;
    }
    if (text !== undefined) return text;
    const message = 'jsonSchema cannot be written as JSON: give plain objects without circles';
    throw new TritError('BAD_SCHEMA', message, { cause });
}

/**
 * Fills in the defaults and checks.
 * @param {GenerateOptions} options
 * @returns {GenerateParams}
 */
export function checkGenerate(options) {
    checkOptions(options);
    const maxTokens = options.maxTokens ?? defaults.maxTokens;
    /** @type {(name: keyof typeof defaults & keyof GenerateOptions, low: number) => number} */
    const real = (name, low) => checkReal(name, options[name] ?? defaults[name], low);
    return {
        maxTokens: maxTokens === null ? null : checkInteger('maxTokens', maxTokens, 0),
        temperature: real('temperature', 0),
        topK: checkInteger('topK', options.topK ?? defaults.topK, 0),
        topP: real('topP', 0),
        minP: real('minP', 0),
        repeatPenalty: real('repeatPenalty', 0),
        frequencyPenalty: real('frequencyPenalty', -Infinity),
        presencePenalty: real('presencePenalty', -Infinity),
        penaltyLast: checkInteger('penaltyLast', options.penaltyLast ?? defaults.penaltyLast, -1),
        logitBias: checkBias(options.logitBias),
        stop: checkStop(options.stop),
        seed: checkSeed(options.seed),
        logprobs:
            options.logprobs === undefined
                ? null
                : checkInteger('logprobs', options.logprobs, 0, MOST_LOGPROBS),
        grammar: checkGrammar(options),
    };
}

/**
 * @param {any} prompt
 * @returns {import('./protocol.js').Prompt}
 */
export function checkPrompt(prompt) {
    if (typeof prompt === 'string') return { text: prompt };
    if (Array.isArray(prompt?.messages)) return { messages: checkMessages(prompt.messages) };
    return { ids: checkIds(prompt) };
}

/**
 * @param {unknown} messages
 * @returns {import('./protocol.js').Message[]} copies
 */
export function checkMessages(messages) {
    if (!Array.isArray(messages)) throw new TritError('PARAM', 'the messages are no array');
    return Array.from(messages, checkMessage); // holes are visited too
}

/**
 * @param {any} message
 * @returns {import('./protocol.js').Message}
 */
function checkMessage(message) {
    const { role, content } = message ?? {};
    if (!['system', 'user', 'assistant'].includes(role))
        throw new TritError('PARAM', 'the role of a message is not system, user or assistant');
    if (typeof content !== 'string')
        throw new TritError('PARAM', 'the content of a message is not a string');
    return { role, content };
}

/**
 * @param {unknown} ids
 * @returns {number[]}
 */
export function checkIds(ids) {
    if (!Array.isArray(ids) && !ArrayBuffer.isView(ids))
        throw new TritError('PARAM', 'ids is not an array of token ids');
    return Array.from(/** @type {ArrayLike<number>} */ (ids), (id) =>
        checkInteger('a token id', id, 0),
    );
}
