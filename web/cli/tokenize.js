import { inputText, modelOptions, parse } from './options.js';
import { printJson } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function tokenize(args, signal) {
    const { values } = parse(args, [...modelOptions, 'prompt', 'file', 'special', 'bos']);
    const text = await inputText(values);
    await withModel(values, signal, async (model) => {
        const ids = await model.tokenize(text, {
            special: values.special,
            bos: values.bos,
            signal,
        });
        if (values.json) printJson({ ids });
        else process.stdout.write(`${ids.join(' ')}\n`);
    });
}
