import { Engine } from '../engine.js';
import { throwIfAborted } from '../errors.js';
import { openNode, resolveNode } from '../node-source.js';
import { isMasters, readAll, sideNames } from '../source.js';
import { writeNewFile } from './new-file.js';
import { parse, readText, required, UsageError } from './options.js';
import { printJson, progressBar } from './output.js';

/**
 * Runs in this thread: a file is written piece by piece from inside one call of the engine.
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function pack(args, signal) {
    const { values, positionals } = parse(args, ['output', 'head', 'card', 'json'], 1);
    if (positionals.length === 0) throw new UsageError('SOURCE is missing');
    const out = required(values, 'output');
    const source = await resolveNode(positionals[0]);
    const card = values.card === undefined ? null : await readText(values.card);
    const bytes = await writeNewFile(out, async (write) => {
        const engine = await Engine.start({ flavour: 'simd128', threads: 1 });
        try {
            engine.beginLoad(values.head ?? 'as-is');
            await fill(engine, source, signal);
            engine.finishLoad({});
            throwIfAborted(signal);
            engine.write(card, write);
        } finally {
            engine.close();
        }
    });
    if (values.json) printJson({ out, bytes });
    else process.stdout.write(`${out}: ${bytes} bytes\n`);
}

/**
 * @param {Engine} engine
 * @param {import('../source.js').Source} source
 * @param {AbortSignal} signal
 */
async function fill(engine, source, signal) {
    if (isMasters(source))
        for (const name of sideNames) {
            const side = source[name];
            if (side !== undefined) engine.side(name, await readAll(side, openNode, signal));
        }
    const { total, chunks } = await openNode(isMasters(source) ? source.tensors : source, signal);
    const bar = progressBar('packing');
    let loaded = 0;
    try {
        for await (const chunk of chunks) {
            throwIfAborted(signal);
            engine.push(chunk);
            loaded += chunk.length;
            bar.update({ loaded, total });
        }
    } finally {
        bar.end();
    }
}
