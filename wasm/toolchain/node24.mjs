// A current Node for the tests of the relaxed flavours: Node 20 computes the relaxed dot product wrongly.
// It stays out of node_modules/.bin, where it would take the place of the Node that runs everything else.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolDir } from './paths.mjs';
import { capture, SetupError, versionOf } from './run.mjs';

export function ensureNode24() {
    const folder = join(toolDir, 'node24');
    const link = join(folder, 'node');
    if (versionOf(link)?.[0] === 24) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    if (Number(process.versions.node.split('.')[0]) === 24) {
        symlinkSync(process.execPath, link);
        return;
    }
    // npm wants a package of its own here, or it would install into the one above.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const name = `node-${process.platform}-${process.arch}`;
    capture(
        'npm',
        ['install', '--ignore-scripts', '--no-save', '--no-package-lock', `${name}@24`],
        { cwd: folder },
    );
    const binary = join(folder, 'node_modules', name, 'bin/node');
    if (!existsSync(binary)) {
        throw new SetupError(
            `npm has no Node 24 for ${name}: run the tests with Node 24 on PATH instead`,
        );
    }
    symlinkSync(binary, link);
}
