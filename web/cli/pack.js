import { defaults } from '../defaults.js';
import { Engine } from '../engine.js';
import { throwIfAborted } from '../errors.js';
import { checkInteger } from '../params.js';
import { openSource } from './engine-source.js';
import { writeNewFile } from './new-file.js';
import { number, parse, randomWeights, readText, refuse, required } from './options.js';
import { UsageError, weightOptions } from './options.js';
import { printJson } from './output.js';

/**
 * @typedef {(engine: Engine) => Promise<string | null> | string} Fill puts a model into the engine;
 *   returns a card for it, null to keep the one that it has
 */

/**
 * Runs in this thread: a file is written piece by piece from inside one call of the engine.
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function pack(args, signal) {
    const names = [
        'output',
        'head',
        'i2s',
        'hub',
        'card',
        'json',
        'synthetic',
        'ctx-size',
        ...weightOptions,
    ];
    const { values, positionals } = parse(args, names, 1);
    const isRandom = values.synthetic !== undefined;
    if (isRandom === (positionals.length === 1))
        throw new UsageError('give either SOURCE or --synthetic SHAPE');
    const out = required(values, 'output');
    const { fill, paths } = isRandom
        ? { fill: random(values), paths: [] }
        : await stored(positionals[0], values, signal);
    const card = values.card === undefined ? null : await readText(values.card);
    const work = async (/** @type {(bytes: Uint8Array) => void} */ write) => {
        const engine = await Engine.start({ flavour: 'simd128', threads: 1 });
        try {
            const ownCard = await fill(engine);
            throwIfAborted(signal);
            engine.write(card ?? ownCard, write);
        } finally {
            engine.close();
        }
    };
    const bytes = await writeNewFile(out, work, values.card ? [...paths, values.card] : paths);
    if (values.json) printJson({ out, bytes });
    else process.stdout.write(`${out}: ${bytes} bytes\n`);
}

/**
 * @param {Record<string, any>} values
 * @returns {Fill}
 */
function random(values) {
    refuse(values, ['head', 'i2s', 'hub'], 'with --synthetic');
    const contextLength = number(values, 'ctx-size');
    if (contextLength !== undefined) checkInteger('--ctx-size', contextLength, 1);
    const weights = randomWeights(values);
    return (engine) => {
        engine.synthetic(values.synthetic, weights, { contextLength });
        return JSON.stringify({
            description: `random weights in the shape of ${values.synthetic}, for measurements`,
            zeros: weights.zeros ?? defaults.zeros,
            gate_zeros: weights.gateZeros,
        });
    };
}

/**
 * @param {string} path
 * @param {Record<string, any>} values
 * @param {AbortSignal} signal
 * @returns {Promise<{fill: Fill, paths: string[]}>} how, and of which files
 */
async function stored(path, values, signal) {
    refuse(values, ['ctx-size', ...weightOptions], 'without --synthetic');
    const source = await openSource(path, values.hub);
    /** @type {Fill} */
    const fill = async (engine) => {
        await source.load(engine, values, 'packing', signal);
        return null;
    };
    return { fill, paths: source.paths };
}
