import { Trit } from '../node.js';
import { loadOptions, required } from './options.js';
import { progressBar } from './output.js';

/**
 * Loads the model that the options name, uses it, and closes it whatever happens.
 * @template T
 * @param {Record<string, any>} values
 * @param {AbortSignal} signal
 * @param {(model: import('../model.js').Model) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withModel(values, signal, use) {
    const bar = progressBar('loading');
    const options = { ...loadOptions(values), signal, onProgress: bar.update };
    const model = await Trit.load(required(values, 'model'), options).finally(bar.end);
    const { stored, note, warning } = model.info;
    // what is not kept is downloaded each time
    if (stored === false && note) process.stderr.write(`trit: ${note}\n`);
    if (warning) process.stderr.write(`trit: warning: ${warning}\n`);
    try {
        return await use(model);
    } finally {
        model.close();
    }
}
