import { Engine } from '../engine.js';
import { throwIfAborted } from '../errors.js';
import { openSource } from './engine-source.js';
import { writeNewFile } from './new-file.js';
import { writeNewFolder } from './new-folder.js';
import { parse, required, UsageError } from './options.js';
import { printJson } from './output.js';

/** The small ones first: they also tell what cannot be held. */
const folderFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
const targets = ['tq2_0', 'i2_s', 'safetensors'];

/**
 * Runs in this thread, as pack does.
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function convert(args, signal) {
    const { values, positionals } = parse(args, ['output', 'to', 'head', 'i2s', 'hub', 'json'], 1);
    if (positionals.length === 0) throw new UsageError('give SOURCE, a model');
    const out = required(values, 'output');
    const to = required(values, 'to');
    if (!targets.includes(to)) throw new UsageError(`--to is one of ${targets.join(', ')}`);
    const source = await openSource(positionals[0], values.hub);
    const engine = await Engine.start({ flavour: 'simd128', threads: 1 });
    const load = async () => {
        await source.load(engine, values, 'loading', signal);
        throwIfAborted(signal);
    };
    let bytes;
    try {
        if (to === 'safetensors')
            bytes = await writeNewFolder(out, async (writeFile) => {
                await load();
                for (const name of folderFiles)
                    await writeFile(name, (write) => engine.export(name, write));
            });
        else
            bytes = await writeNewFile(
                out,
                async (write) => {
                    await load();
                    engine.export(to, write);
                },
                source.paths,
            );
    } finally {
        engine.close();
    }
    if (values.json) printJson({ out, bytes });
    else process.stdout.write(`${out}: ${bytes} bytes\n`);
}
