import { openSource } from './engine-source.js';
import { writeNewFile } from './new-file.js';
import { idList, modelOptions, parse, required } from './options.js';
import { printJson } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function logits(args, signal) {
    const { values } = parse(args, [...modelOptions, 'ids', 'all', 'out']);
    const ids = idList(required(values, 'ids'));
    const out = required(values, 'out');
    let shape;
    const { paths } = await openSource(required(values, 'model'), values.hub);
    await writeNewFile(
        out,
        (write) =>
            withModel(values, signal, async (model) => {
                const rows = await model.logits(ids, { all: values.all, signal });
                // every machine that runs WebAssembly SIMD is little-endian
                write(new Uint8Array(rows.buffer));
                shape = [rows.length / model.info.nVocab, model.info.nVocab];
            }),
        paths,
    );
    if (values.json) printJson({ shape });
}
