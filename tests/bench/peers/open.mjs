// Opens an engine of the table in a host of its own.
import { join, relative } from 'node:path';
import { repoDir, toolDir } from '../../../wasm/toolchain/paths.mjs';
import { ENGINES, FLASH } from './engines.mjs';
import { startChromium, startNode } from './hosts.mjs';
import { peerVersion } from './prepare.mjs';

export const node24 = join(toolDir, 'node24/node');

// wllama takes a minute for a prompt of 128 tokens of the 2B4T shape: all but these stay computed.
const WLLAMA_FRESH = 16;

/** @returns {import('./measure.mjs').Setting} */
function settingOf(name, { depth, decode, prompts }) {
    if (name !== 'wllama') return { depth, decode, prompts, fresh: depth };
    return { depth, decode, prompts: [], fresh: Math.min(WLLAMA_FRESH, depth) };
}

/**
 * @param {string} name
 * @param {object} where
 * @param {string} where.shape
 * @param {number} where.threads
 * @param {{file: string, headBytes: number, modelBytes: number}} where.gguf what peers open
 * @param {import('./options.mjs').Options} where.options
 * @param {string} where.url of the server of this repository
 */
export async function openEngine(name, { shape, threads, gguf, options, url }) {
    const engine = ENGINES[name];
    const setting = settingOf(name, options);
    const context = Math.max(options.depth + options.decode, ...setting.prompts);
    const model = engine.peer
        ? { file: gguf.file, url: `/${relative(repoDir, gguf.file)}`, flash: FLASH[options.flash] }
        : { shape, flavour: engine.flavour };
    const host = engine.host === 'node' ? await startNode(node24) : await startChromium(url);
    try {
        const about = await host.call('open', [
            { module: engine.module, ...model, threads, context },
        ]);
        if (engine.peer) {
            const { headBytes, modelBytes } = gguf;
            const version = peerVersion(engine.package);
            Object.assign(about, { version, head: options.head, headBytes, modelBytes });
        }
        return {
            name,
            about,
            setting,
            complete: (ids, n) => host.call('complete', [ids, n]),
            end: () => host.end(),
        };
    } catch (error) {
        await host.end();
        throw error;
    }
}
