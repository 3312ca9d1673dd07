import { Trit } from '../node.js';
import { checkInteger } from '../params.js';
import { loadOptions, modelOptions, number, parse, randomWeights } from './options.js';
import { refuse, UsageError, weightOptions } from './options.js';
import { printJson } from './output.js';

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/**
 * Loads a model file and tells how fast that was once the engine stood. The first piece of the file is
 * reported as it is handed to the engine.
 * @param {string} path
 * @param {import('../load.js').LoadOptions} options
 */
async function timedLoad(path, options) {
    const called = performance.now();
    let begin = 0;
    let bytes = 0;
    const onProgress = (/** @type {import('../load.js').Progress} */ { loaded }) => {
        begin ||= performance.now();
        bytes = loaded;
    };
    const model = await Trit.load(path, { ...options, onProgress });
    const seconds = (performance.now() - begin) / 1000;
    const load = {
        start_s: (begin - called) / 1000,
        load_s: seconds,
        load_byte_s: bytes / seconds,
    };
    return { model, load };
}

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function bench(args, signal) {
    const names = ['shape', ...weightOptions, 'prefill', 'decode', 'repeat'];
    const { values } = parse(args, [...modelOptions, ...names]);
    if ((values.model === undefined) === (values.shape === undefined))
        throw new UsageError('give either -m or --shape');
    if (values.shape === undefined) refuse(values, weightOptions, 'without --shape');
    const prefill = number(values, 'prefill') ?? 128;
    const decode = number(values, 'decode') ?? 64;
    const repeat = number(values, 'repeat') ?? 5;
    checkInteger('prefill', prefill, 1);
    checkInteger('decode', decode, 0);
    checkInteger('repeat', repeat, 1);
    const wish = loadOptions(values);
    const options = { ...wish, contextLength: wish.contextLength ?? prefill + decode, signal };
    const { model, load } = values.shape
        ? { model: await Trit.synthetic(values.shape, { ...options, ...randomWeights(values) }) }
        : await timedLoad(values.model, options);
    try {
        const { flavour, threads } = model.info;
        const runs = [];
        for (let i = 0; i < repeat; i++)
            runs.push(await model.measure({ prefill, decode, signal }));
        const result = {
            model: values.shape ?? values.model,
            flavour,
            threads,
            prefill_tokens: prefill,
            decode_tokens: decode,
            prefill_tok_s: (1000 * prefill) / median(runs.map(({ prefillMs }) => prefillMs)),
            decode_tok_s: (1000 * decode) / median(runs.map(({ decodeMs }) => decodeMs)),
            memory_bytes: runs[0].memoryBytes,
            ...load,
        };
        if (values.json) return printJson(result);
        const loaded = load
            ? `start ${load.start_s.toFixed(2)} s, load ${load.load_s.toFixed(2)} s ` +
              `(${(load.load_byte_s / 1e6).toFixed(0)} MB/s), `
            : '';
        process.stdout.write(
            `${result.model}: ${flavour}, ${threads} threads: ${loaded}` +
                `prefill ${result.prefill_tok_s.toFixed(1)} tok/s, ` +
                `decode ${result.decode_tok_s.toFixed(1)} tok/s, ` +
                `${(result.memory_bytes / 2 ** 20).toFixed(0)} MiB\n`,
        );
    } finally {
        model.close();
    }
}
