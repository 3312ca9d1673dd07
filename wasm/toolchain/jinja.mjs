// The renderer of chat templates is another project's one file, known by its hash; pages load it from
// web/dist only for a model whose template the engine does not know.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoDir, toolDir } from './paths.mjs';
import { capture, SetupError } from './run.mjs';

const NAME = '@huggingface/jinja';
const VERSION = '0.5.11';
const BANNER = `// ${NAME} ${VERSION}, MIT: see jinja.LICENSE\n`;
const SHA256 = 'c8871915dfa68f976c11540c33fc9341c0810ebe29adb7027b8d51f2a8044936';

function matches(file, banner = '') {
    if (!existsSync(file)) return false;
    const text = readFileSync(file, 'utf8');
    const hash = createHash('sha256').update(text.slice(banner.length)).digest('hex');
    return text.startsWith(banner) && hash === SHA256;
}

export function ensureJinja() {
    const dist = join(repoDir, 'web/dist');
    const target = join(dist, 'jinja.mjs');
    if (matches(target, BANNER)) return;
    const folder = join(toolDir, 'jinja');
    const installed = join(folder, 'node_modules', NAME);
    const file = join(installed, 'dist/index.js');
    if (!matches(file)) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { recursive: true });
        // npm wants a package of its own here, or it would install into the one above.
        writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
        const flags = ['--ignore-scripts', '--no-save', '--no-package-lock'];
        capture('npm', ['install', ...flags, `${NAME}@${VERSION}`], { cwd: folder });
    }
    if (!matches(file))
        throw new SetupError(`npm's ${NAME} ${VERSION} is not the file that was expected`);
    mkdirSync(dist, { recursive: true });
    writeFileSync(target, BANNER + readFileSync(file, 'utf8'));
    copyFileSync(join(installed, 'LICENSE'), join(dist, 'jinja.LICENSE'));
}
