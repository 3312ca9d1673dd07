#!/usr/bin/env node
// Builds wasm flavours into web/dist/, all four unless some are named:
//   node wasm/toolchain/build.mjs [--if-missing] [st-simd128 mt-simd128 st-relaxed mt-relaxed]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureJinja } from './jinja.mjs';
import { repoDir, toolEnv } from './paths.mjs';

const FLAVOURS = ['st-simd128', 'mt-simd128', 'st-relaxed', 'mt-relaxed'];

function run(command, args) {
    const child = spawnSync(command, args, { cwd: repoDir, env: toolEnv(), encoding: 'utf8' });
    if (child.error || child.status !== 0) {
        console.error(child.error?.message ?? child.stdout + child.stderr);
        console.error(`trit build: ${command} ${args.join(' ')} failed, see above`);
        process.exit(1);
    }
}

function isBuilt(flavour) {
    return ['wasm', 'mjs'].every((ext) =>
        existsSync(join(repoDir, `web/dist/trit-${flavour}.${ext}`)),
    );
}

/** The catalogue as a module, which every runtime and bundler takes; typed, so that no types are made of its data. */
function writeCatalog() {
    const catalog = JSON.parse(readFileSync(join(repoDir, 'models/catalog.json'), 'utf8'));
    const note = '// Made of models/catalog.json by the build.\n';
    const folder = join(repoDir, 'web/dist');
    mkdirSync(folder, { recursive: true });
    const data = `export default ${JSON.stringify(catalog)};\n`;
    writeFileSync(join(folder, 'catalog.mjs'), note + data);
    const types = 'declare const catalog: { models: any[] };\nexport default catalog;\n';
    writeFileSync(join(folder, 'catalog.d.mts'), note + types);
}

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith('--'));
const unknown = named.find((flavour) => !FLAVOURS.includes(flavour));
if (unknown) {
    console.error(
        `trit build: there is no flavour ${unknown}; name some of ${FLAVOURS.join(', ')}`,
    );
    process.exit(2);
}
const flavours = named.length > 0 ? named : FLAVOURS;
if (!args.includes('--if-missing') || !flavours.every(isBuilt)) {
    const setup = fileURLToPath(new URL('setup.mjs', import.meta.url));
    if (spawnSync(process.execPath, [setup], { stdio: 'inherit' }).status !== 0) process.exit(1);
    console.error(`Building ${flavours.join(', ')} ...`);
    for (const flavour of flavours) {
        const preset = `wasm-${flavour}`;
        run('cmake', ['--preset', preset]);
        // Only the product: its tests are `npm test`'s business.
        const jobs = String(availableParallelism());
        run('cmake', ['--build', '--preset', preset, '-t', 'dist', '-j', jobs]);
    }
}
writeCatalog();
try {
    ensureJinja();
} catch (error) {
    console.error(`trit build: ${error.message}`);
    process.exit(1);
}
