import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { TritError } from '../errors.js';
import { tryFile } from '../node-source.js';

/** The command was called in a way that makes no sense. */
export class UsageError extends TritError {
    /** @param {string} message */
    constructor(message) {
        super('USAGE', `${message}; see trit --help`);
    }
}

const text = /** @type {const} */ ({ type: 'string' });
const flag = /** @type {const} */ ({ type: 'boolean' });

/** @type {Record<string, {type: 'string' | 'boolean', short?: string, multiple?: boolean}>} */
const options = {
    model: { ...text, short: 'm' },
    prompt: { ...text, short: 'p' },
    file: { ...text, short: 'f' },
    'n-predict': { ...text, short: 'n' },
    threads: { ...text, short: 't' },
    'ctx-size': { ...text, short: 'c' },
    output: { ...text, short: 'o' },
    flavour: text,
    kv: text,
    kernels: text,
    dense: flag,
    ids: text,
    temp: text,
    'top-k': text,
    'top-p': text,
    'min-p': text,
    'repeat-penalty': text,
    'frequency-penalty': text,
    'presence-penalty': text,
    'repeat-last-n': text,
    seed: text,
    stop: { ...text, multiple: true },
    grammar: text,
    'grammar-file': text,
    'json-schema': text,
    'json-schema-file': text,
    system: text,
    'chat-template': text,
    special: flag,
    bos: flag,
    all: flag,
    out: text,
    head: text,
    i2s: text,
    hub: text,
    card: text,
    to: text,
    shape: text,
    synthetic: text,
    zeros: text,
    'gate-zeros': text,
    prefill: text,
    decode: text,
    repeat: text,
    'no-display-prompt': flag,
    json: flag,
};

/** Options of every command that loads a model. */
export const modelOptions = [
    'model',
    'ctx-size',
    'threads',
    'flavour',
    'kv',
    'kernels',
    'dense',
    'i2s',
    'hub',
    'json',
];
/** Options of every command that draws tokens. */
export const samplingOptions = [
    ...['n-predict', 'temp', 'top-k', 'top-p', 'min-p', 'repeat-penalty', 'frequency-penalty'],
    ...['presence-penalty', 'repeat-last-n', 'seed', 'stop'],
    ...['grammar', 'grammar-file', 'json-schema', 'json-schema-file'],
];

/**
 * A value may begin with a dash (-1, a text): joined to its option it is no option to parseArgs.
 * What the command knows as an option is never a value.
 * @param {string[]} args
 * @param {typeof options} known
 */
function joinValues(args, known) {
    const spellings = new Map(
        Object.entries(known).flatMap(([name, { type, short }]) => [
            [`--${name}`, { type, joint: '=' }],
            [`-${short}`, { type, joint: '' }],
        ]),
    );
    const joined = [];
    for (let i = 0; i < args.length; i++) {
        const option = spellings.get(args[i]);
        const isValue = args[i + 1]?.startsWith('-') && !spellings.has(args[i + 1].split('=')[0]);
        if (option?.type === 'string' && isValue) joined.push(args[i] + option.joint + args[++i]);
        else joined.push(args[i]);
    }
    return joined;
}

/**
 * @param {string[]} args
 * @param {string[]} names the options of this command
 * @param {number} [nPositionals]
 * @returns {{values: Record<string, any>, positionals: string[]}}
 */
export function parse(args, names, nPositionals = 0) {
    const known = Object.fromEntries(names.map((name) => [name, options[name]]));
    let parsed;
    try {
        parsed = parseArgs({
            args: joinValues(args, known),
            options: known,
            allowPositionals: true,
        });
    } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error);
        throw new UsageError(sentence.split(/[.\n]/)[0]);
    }
    if (parsed.positionals.length > nPositionals)
        throw new UsageError(`"${parsed.positionals[nPositionals]}" is one argument too many`);
    return /** @type {any} */ (parsed);
}

/**
 * @param {Record<string, any>} values
 * @param {string} name
 * @returns {string}
 */
export function required(values, name) {
    if (values[name] === undefined) throw new UsageError(`--${name} is missing`);
    return values[name];
}

/**
 * @param {Record<string, any>} values
 * @param {string[]} names options that make no sense
 * @param {string} why such as "with --shape"
 */
export function refuse(values, names, why) {
    const name = names.find((option) => values[option] !== undefined);
    if (name !== undefined) throw new UsageError(`--${name} means nothing ${why}`);
}

/**
 * A plain number; what the range is, is checked where it is used.
 * @param {Record<string, any>} values
 * @param {string} name
 * @returns {number | undefined}
 */
export function number(values, name) {
    const value = values[name];
    if (value === undefined) return undefined;
    if (!/^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) || !Number.isFinite(Number(value)))
        throw new UsageError(`--${name} is not a number: "${value}"`);
    return Number(value);
}

/**
 * @param {Record<string, any>} values
 * @returns {bigint | undefined}
 */
function seed(values) {
    if (values.seed === undefined) return undefined;
    if (!/^\d+$/.test(values.seed))
        throw new UsageError(`--seed is not a whole number: "${values.seed}"`);
    return BigInt(values.seed);
}

/** @param {Record<string, any>} values */
export function loadOptions(values) {
    return {
        contextLength: number(values, 'ctx-size'),
        threads: number(values, 'threads'),
        flavour: values.flavour,
        kv: values.kv,
        kernels: values.kernels,
        template: values['chat-template'],
        dense: values.dense,
        i2s: values.i2s,
        hub: values.hub,
    };
}

/** Options of every command that makes random weights. */
export const weightOptions = ['zeros', 'gate-zeros'];

/** @param {Record<string, any>} values */
export const randomWeights = (values) => ({
    zeros: number(values, 'zeros'),
    gateZeros: number(values, 'gate-zeros'),
});

/**
 * What the answer must be, by one of four options.
 * @param {Record<string, any>} values
 */
async function grammarOptions(values) {
    const names = ['grammar', 'grammar-file', 'json-schema', 'json-schema-file'];
    const [name, other] = names.filter((option) => values[option] !== undefined);
    if (other !== undefined) throw new UsageError(`give either --${name} or --${other}`);
    if (name === undefined) return {};
    const given = name.endsWith('-file') ? await readText(values[name]) : values[name];
    return name.startsWith('grammar') ? { grammar: given } : { jsonSchema: schemaOf(given) };
}

/** @param {string} given */
function schemaOf(given) {
    let schema;
    try {
        schema = JSON.parse(given);
    } catch (error) {
        const { message } = /** @type {Error} */ (error);
        throw new TritError('BAD_SCHEMA', `the schema is no JSON: ${message}`, { cause: error });
    }
    // to `generate`, null says that there is none
    if (schema === null)
        throw new TritError('BAD_SCHEMA', 'the schema is neither an object nor true');
    return schema;
}

/** @param {Record<string, any>} values */
export async function generateOptions(values) {
    return {
        maxTokens: values['n-predict'] === '-1' ? undefined : number(values, 'n-predict'),
        temperature: number(values, 'temp'),
        topK: number(values, 'top-k'),
        topP: number(values, 'top-p'),
        minP: number(values, 'min-p'),
        repeatPenalty: number(values, 'repeat-penalty'),
        frequencyPenalty: number(values, 'frequency-penalty'),
        presencePenalty: number(values, 'presence-penalty'),
        penaltyLast: number(values, 'repeat-last-n'),
        seed: seed(values),
        stop: values.stop,
        ...(await grammarOptions(values)),
    };
}

/**
 * The ids of --ids 1,2,3.
 * @param {string} list
 */
export function idList(list) {
    if (!/^\s*\d+\s*(,\s*\d+\s*)*$/.test(list))
        throw new UsageError(`--ids is not a list of token ids: "${list}"`);
    return list.split(',').map(Number);
}

/**
 * The text of -p or -f.
 * @param {Record<string, any>} values
 * @returns {Promise<string>}
 */
export async function inputText(values) {
    if ((values.prompt === undefined) === (values.file === undefined))
        throw new UsageError('give the text with either -p or -f');
    return values.prompt ?? readText(values.file);
}

/**
 * A file of text. One of other bytes is refused: they would silently become other text.
 * @param {string} path
 * @returns {Promise<string>}
 */
export async function readText(path) {
    const bytes = await tryFile(path, () => readFile(path));
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
        throw new TritError('FILE', `${path}: it is not UTF-8 text`, { cause: error });
    }
}
