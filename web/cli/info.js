import { modelOptions, parse } from './options.js';
import { oneLine, printJson } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function info(args, signal) {
    const { values } = parse(args, modelOptions);
    await withModel(values, signal, async (model) => {
        if (values.json) return printJson(model.info);
        const { card, ...rest } = model.info;
        for (const [name, value] of [...Object.entries(rest), ...Object.entries(card)])
            process.stdout.write(`${oneLine(name).padEnd(14)} ${printable(value)}\n`);
    });
}

/** @param {unknown} value */
const printable = (value) => oneLine(typeof value === 'string' ? value : JSON.stringify(value));
