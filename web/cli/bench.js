import { Trit } from '../node.js';
import { loadOptions, modelOptions, number, parse, randomWeights } from './options.js';
import { refuse, UsageError, weightOptions } from './options.js';
import { printJson } from './output.js';

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

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
    if (!Number.isInteger(repeat) || repeat < 1) throw new UsageError('--repeat is not at least 1');
    const wish = loadOptions(values);
    const options = { ...wish, contextLength: wish.contextLength ?? prefill + decode, signal };
    const model = values.shape
        ? await Trit.synthetic(values.shape, { ...options, ...randomWeights(values) })
        : await Trit.load(values.model, options);
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
        };
        if (values.json) return printJson(result);
        process.stdout.write(
            `${result.model}: ${flavour}, ${threads} threads: ` +
                `prefill ${result.prefill_tok_s.toFixed(1)} tok/s, ` +
                `decode ${result.decode_tok_s.toFixed(1)} tok/s, ` +
                `${(result.memory_bytes / 2 ** 20).toFixed(0)} MiB\n`,
        );
    } finally {
        model.close();
    }
}
