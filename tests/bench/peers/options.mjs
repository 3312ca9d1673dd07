// The command line of the bench.
import { parseArgs } from 'node:util';
import { ENGINES, FLASH } from './engines.mjs';

export const help = `usage: npm run bench:peers -- [options]

  --shapes 2B4T,0.7B    shapes of model: tiny, 0.7B, 2B4T
  --threads 1,2         numbers of threads
  --engines A,B         some of ${Object.keys(ENGINES).join(' ')}
  --rounds 5            how often each engine is measured, all in turn
  --depth 128           tokens in the context when decoding begins; also the prompt of the prefill
  --decode 32           tokens to decode
  --prompts 512,2048    more lengths of prompts to time, but not in wllama
  --head Q6_K           how the peers keep the embedding: Q6_K or F16
  --flash auto          the peers' fused attention: auto, on or off
  --json FILE           where the figures go; without it, build/peers/results.json
  --svg FILE            where the picture goes; without it, build/peers/results.svg

The peers' packages are installed on first use; node-llama-cpp's build is that for Linux on x86-64.
`;

export class UsageError extends Error {}

const DEFAULTS = {
    shapes: '2B4T,0.7B',
    threads: '1,2',
    engines: Object.keys(ENGINES).join(),
    rounds: '5',
    depth: '128',
    decode: '32',
    prompts: '',
    head: 'Q6_K',
    flash: 'auto',
    json: 'build/peers/results.json',
    svg: 'build/peers/results.svg',
};

function oneOf(name, text, known) {
    if (known.includes(text)) return text;
    throw new UsageError(`--${name}: ${text} is not one of ${known.join(', ')}`);
}

function whole(name, text, min, max) {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new UsageError(`--${name}: ${text} is not a whole number in ${min} ... ${max}`);
}

const list = (text, check) => [...new Set(text.split(',').filter(Boolean))].map(check);

/**
 * @typedef {object} Options
 * @property {string[]} shapes
 * @property {number[]} threads
 * @property {string[]} engines
 * @property {number} rounds
 * @property {number} depth
 * @property {number} decode
 * @property {number[]} prompts
 * @property {'Q6_K' | 'F16'} head
 * @property {'auto' | 'on' | 'off'} flash
 * @property {string} json
 * @property {string} svg
 *
 * @param {string[]} args
 * @returns {Options}
 */
export function parseOptions(args) {
    const named = Object.keys(DEFAULTS).map((name) => [name, { type: 'string' }]);
    let values;
    try {
        ({ values } = parseArgs({ args, options: Object.fromEntries(named) }));
    } catch (error) {
        throw new UsageError(error.message.split('\n')[0]);
    }
    const text = { ...DEFAULTS, ...values };
    const options = {
        shapes: list(text.shapes, (name) => oneOf('shapes', name, ['tiny', '0.7B', '2B4T'])),
        threads: list(text.threads, (number) => whole('threads', number, 1, 64)),
        engines: list(text.engines, (name) => oneOf('engines', name, Object.keys(ENGINES))),
        rounds: whole('rounds', text.rounds, 1, 1000),
        depth: whole('depth', text.depth, 2, 4096),
        decode: whole('decode', text.decode, 1, 2 ** 20),
        prompts: list(text.prompts, (number) => whole('prompts', number, 2, 4096)),
        head: oneOf('head', text.head, ['Q6_K', 'F16']),
        flash: oneOf('flash', text.flash, Object.keys(FLASH)),
        json: text.json,
        svg: text.svg,
    };
    for (const name of ['shapes', 'threads', 'engines'])
        if (options[name].length === 0) throw new UsageError(`there are no ${name} to measure`);
    return options;
}
