import { readFile } from 'node:fs/promises';
import { tryFile } from '../node-source.js';
import { modelOptions, parse, required } from './options.js';
import { printJson, progressBar } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function score(args, signal) {
    const { values } = parse(args, [...modelOptions, 'file']);
    const file = required(values, 'file');
    const text = await tryFile(file, () => readFile(file));
    await withModel(values, signal, async (model) => {
        const bar = progressBar('scoring');
        const result = await model.score(text, { signal, onProgress: bar.update }).finally(bar.end);
        const { tokens, bytes, bitsPerByte, perplexity } = result;
        if (values.json)
            return printJson({ tokens, bytes, bits_per_byte: bitsPerByte, perplexity });
        process.stdout.write(
            `${tokens} tokens, ${bytes} bytes: ${bitsPerByte.toFixed(4)} bits per byte, ` +
                `perplexity ${perplexity.toFixed(3)}\n`,
        );
    });
}
