import { pageAddress } from './blocked.js';
import { TritError } from './errors.js';

/** Of a change of these, what is loaded is given up. */
export const LOADING = Object.freeze([
    ...['src', 'hub', 'worker-url', 'allow-blob-worker', 'context-length', 'threads', 'share'],
]);

/** Those of `GenerateOptions` that are numbers, by attribute. */
const NUMBERS = Object.freeze({
    'max-tokens': 'maxTokens',
    temperature: 'temperature',
    'top-k': 'topK',
    'top-p': 'topP',
    'min-p': 'minP',
    'repeat-penalty': 'repeatPenalty',
    seed: 'seed',
});

/**
 * An address that may be asked for. An attribute may come from where nobody looked at it: no other scheme than those
 * of files on a server is followed, and no password is sent.
 * @param {string} name
 * @param {string} text
 */
function checkAddress(name, text) {
    let url;
    try {
        url = new URL(text, pageAddress());
    } catch (cause) {
        throw new TritError('PARAM', `${name} is no address: "${text}"`, { cause });
    }
    if (!/^https?:$/.test(url.protocol))
        throw new TritError(
            'PARAM',
            `${name} begins with ${url.protocol} and has to be an address of http or https`,
        );
    if (url.username || url.password)
        throw new TritError('PARAM', `${name} holds a user's name or a password: leave them out`);
    return url.href;
}

/**
 * @param {Element} element
 * @param {string} name
 */
function numberOf(element, name) {
    const text = element.getAttribute(name);
    if (text === null) return undefined;
    const value = text.trim() === '' ? NaN : Number(text);
    if (Number.isNaN(value)) throw new TritError('PARAM', `${name} is no number: "${text}"`);
    return value;
}

/**
 * What the model is, as `Trit.load` takes it.
 * @param {Element} element
 */
export function sourceOf(element) {
    const text = element.getAttribute('src')?.trim();
    if (!text)
        throw new TritError(
            'PARAM',
            'src is missing: give the tag the address of a model, hf:owner/repository or catalog:id',
        );
    return /^(hf|catalog|stored):/.test(text) ? text : checkAddress('src', text);
}

/**
 * @param {Element} element
 * @returns {import('./load.js').LoadOptions}
 */
export function loadOptionsOf(element) {
    const address = (/** @type {string} */ name) => {
        const text = element.getAttribute(name);
        return text === null ? undefined : checkAddress(name, text);
    };
    return {
        hub: address('hub'),
        workerUrl: address('worker-url'),
        allowBlobWorker: element.hasAttribute('allow-blob-worker'),
        contextLength: numberOf(element, 'context-length'),
        threads: numberOf(element, 'threads'),
        share: element.hasAttribute('share'),
    };
}

/** Of a model's card, what the engine takes. @type {Record<string, [string, number, number]>} */
const ADVICE = Object.freeze({
    temperature: ['temperature', 0, 100],
    top_p: ['topP', 0.001, 1],
});

/**
 * What the attributes say, and else the model's own card.
 * @param {Element} element
 * @param {any} card in which anything may stand
 * @returns {import('./params.js').GenerateOptions}
 */
export function generateOptionsOf(element, card) {
    /** @type {Record<string, number>} */
    const options = {};
    for (const [advised, [name, low, high]] of Object.entries(ADVICE)) {
        const value = card?.sampling?.[advised];
        if (typeof value === 'number' && value >= low && value <= high) options[name] = value;
    }
    for (const [attribute, name] of Object.entries(NUMBERS)) {
        const value = numberOf(element, attribute);
        if (value !== undefined) options[name] = value;
    }
    return options;
}

/**
 * @param {Element} element
 * @returns {'chat' | 'story' | null} null: as the model's template says
 */
export function modeOf(element) {
    const mode = element.getAttribute('mode');
    if (mode === null || mode === 'chat' || mode === 'story') return mode;
    throw new TritError('PARAM', `mode is neither chat nor story: "${mode}"`);
}
