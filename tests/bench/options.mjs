// What `npm run bench:model` can be told, and what reading it shares with bench:abort.
import { parseArgs } from 'node:util';
import { hostMakers } from './hosts.mjs';

export const help = `usage: npm run bench:model -- [options]

  --shapes 0.7B,2B4T            models of random weights; also tiny
  --hosts node,node24,chromium  node is the one on PATH; also firefox and webkit
  --threads 1,2
  --flavours simd128,relaxed
  --kernels fastest             tables or words of the engine to compare: fastest,v128,relaxed16
  --prefill 128                 tokens of the prompt whose speed is taken
  --depth 128                   tokens before the first decode step; as many as of --prefill, and the CPU time
                                of decoding is told as well
  --decode 32                   decode steps
  --context N                   tokens the engine makes room for; without it, what the lengths need
  --busy 0                      cores that other processes keep busy meanwhile
  --rounds 3                    each round measures every configuration once
  --seconds 20                  longest measurement; lengths are shortened to keep to it
  --json FILE                   writes every run there
`;

const defaults = {
    ...{ shapes: '0.7B,2B4T', hosts: 'node,node24,chromium', threads: '1,2' },
    ...{
        flavours: 'simd128,relaxed',
        kernels: 'fastest',
        prefill: '128',
        depth: '128',
        decode: '32',
    },
    ...{ busy: '0', rounds: '3', seconds: '20' },
};

/** What is run before anything is measured, until this long has passed. */
export const warmUp = { prefill: 16, decode: 4, milliseconds: 1000 };

export class UsageError extends Error {}

export function positive(name, text) {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1)
        throw new UsageError(`--${name} is not a whole number above 0: "${text}"`);
    return value;
}

/** The values of options by name, as texts; `help` is a flag. Throws a UsageError of one sentence. */
export function readTexts(args, names, defaults) {
    const known = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    known.help = { type: 'boolean' };
    try {
        return { ...defaults, ...parseArgs({ args, options: known }).values };
    } catch (error) {
        throw new UsageError(error.message.split(/[.\n]/)[0]);
    }
}

export function hostList(text) {
    const names = text.split(',');
    const unknown = names.find((name) => !Object.hasOwn(hostMakers, name));
    if (unknown === undefined) return names;
    throw new UsageError(`there is no host "${unknown}": name some of ${Object.keys(hostMakers)}`);
}

/** Runs a benchmark's main; what it throws becomes one line and the exit code. */
export async function runMain(name, main) {
    try {
        await main(process.argv.slice(2));
    } catch (error) {
        const code = error.code ? `${error.code}: ` : '';
        process.stderr.write(`${name}: ${code}${error.message}\n`);
        process.exitCode = error instanceof UsageError ? 2 : 1;
    }
}

/** Throws a UsageError of one sentence. */
export function readOptions(args) {
    const names = [...Object.keys(defaults), 'context', 'json'];
    const values = readTexts(args, names, defaults);
    const list = (name) => values[name].split(',');
    const number = (name) => positive(name, values[name]);
    const lengths = {
        prefill: number('prefill'),
        depth: number('depth'),
        decode: number('decode'),
    };
    const needed = Math.max(
        ...[lengths.prefill, lengths.depth + lengths.decode, warmUp.prefill + warmUp.decode],
    );
    const contextLength = values.context === undefined ? needed : number('context');
    if (contextLength < needed)
        throw new UsageError(
            `--context ${contextLength} is too short: ${needed} tokens are measured`,
        );
    return {
        help: values.help,
        shapes: list('shapes'),
        hosts: hostList(values.hosts),
        threads: list('threads').map((text) => positive('threads', text)),
        flavours: list('flavours'),
        kernels: list('kernels'),
        lengths,
        contextLength,
        busy: values.busy === '0' ? 0 : number('busy'),
        rounds: number('rounds'),
        seconds: number('seconds'),
        json: values.json,
    };
}
