// What must be there before the peers are measured: their packages and model files.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJson, repoDir } from '../../../wasm/toolchain/paths.mjs';
import { installPackages, run } from '../prepare.mjs';
import { writeBitnetGguf } from './bitnet-gguf.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
export const buildDir = join(repoDir, 'build/peers');
const bandwidthProgram = join(buildDir, 'bandwidth');

/** The other engines. Optional packages are their builds for other machines and for GPUs. */
export function preparePeers() {
    const [lock, installed] = ['package-lock.json', 'node_modules/.package-lock.json'].map((name) =>
        join(here, name),
    );
    if (existsSync(installed) && statSync(installed).mtimeMs > statSync(lock).mtimeMs) return;
    installPackages(here, ['--omit=optional']);
}

export function prepareBandwidth() {
    mkdirSync(buildDir, { recursive: true });
    const flags = ['-std=c11', '-O3', '-march=native', '-pthread'];
    const source = join(here, 'bandwidth.c');
    run(process.env.CC ?? 'cc', [...flags, source, '-o', bandwidthProgram]);
}

/** Bytes a second that so many threads read natively. */
export function measureBandwidth(threads) {
    const child = spawnSync(bandwidthProgram, [String(threads)], { encoding: 'utf8' });
    if (child.status !== 0)
        throw new Error(child.error?.message ?? (child.stderr.trim() || 'the program crashed'));
    return Number(child.stdout.split(' ')[0]);
}

/** The version of a peer's package. */
export function peerVersion(name) {
    const file = join(here, 'node_modules', name, 'package.json');
    return JSON.parse(readFileSync(file, 'utf8')).version;
}

/**
 * The file of a synthetic model, made when it is missing. trit says what the shape is, so that all
 * engines have the same one.
 * @param {string} shape
 * @param {'Q6_K' | 'F16'} head
 * @returns {Promise<{file: string, modelBytes: number, headBytes: number}>}
 */
export async function prepareGguf(shape, head) {
    const file = join(buildDir, `${shape}-${head}.gguf`);
    const noteFile = `${file}.json`; // written last
    const note = readJson(noteFile);
    if (note && existsSync(file)) return { file, ...note };
    const { Trit } = await import('../../../web/node.js');
    const model = await Trit.synthetic(shape, { threads: 1, contextLength: 1 });
    const { info } = model;
    model.close();
    const sizes = writeBitnetGguf(`${file}.part`, shape, info, head);
    renameSync(`${file}.part`, file);
    writeFileSync(noteFile, JSON.stringify(sizes));
    return { file, ...sizes };
}
