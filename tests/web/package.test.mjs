// The package as its users get it: `npm pack` in this folder, `npm install` of the file in an empty one,
// where PATH holds node, npm and a shell, and nothing that compiles.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import {
    readFileSync,
    readdirSync,
    realpathSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { after, before } from 'node:test';
import { publint } from 'publint';
import { build, createServer } from 'vite';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { repoDir, toolDir } from '../../wasm/toolchain/paths.mjs';
import { runtimeMissing, runtimeProgram } from '../../wasm/toolchain/runtimes.mjs';
import { openBrowser } from './browsers.mjs';
import { cli } from './helpers.mjs';
import { startServer } from './server.mjs';

const COMPILERS = ['cc', 'gcc', 'clang', 'c++', 'emcc', 'cmake', 'ninja', 'make', 'python3'];
const model = 'models/tiny-stories/tiny-stories.trit';
const installed = `node_modules/trit/${model}`;
const prompt = 'Once upon a time';
const greedy = ['-p', prompt, '-n', '24', '--temp', '0', '--json'];
const flavours = ['st-simd128', 'mt-simd128', 'st-relaxed', 'mt-relaxed'];
const readme = readFileSync(join(repoDir, 'README.md'), 'utf8');

let folder;
let env;
let expected;

function findOnPath(name) {
    const isThere = (path) => {
        try {
            accessSync(path, constants.X_OK);
            return true;
        } catch {
            return false;
        }
    };
    return process.env.PATH.split(delimiter)
        .map((directory) => join(directory, name))
        .find(isThere);
}

/** A user's folder, and an environment in which only these four programs are found. */
function makeUser() {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'app'));
    const programs = { node: process.execPath, sh: '/bin/sh' };
    for (const name of ['npm', 'npx']) programs[name] = realpathSync(findOnPath(name));
    for (const [name, path] of Object.entries(programs)) symlinkSync(path, join(bin, name));
    // Offline: the package asks for no other.
    return {
        PATH: bin,
        HOME: folder,
        npm_config_offline: 'true',
        npm_config_update_notifier: 'false',
    };
}

/** Runs a program in the user's folder and returns what it printed. */
function run(command, ...args) {
    const options = { cwd: join(folder, 'app'), env, encoding: 'utf8' };
    const { status, stdout, stderr, error } = spawnSync(command, args, options);
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
    return stdout;
}

before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trit-package-'));
    env = makeUser();
    // With its prepack, as every user's: it builds what has changed since the last build.
    execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: repoDir, stdio: 'pipe' });
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    run('npm', 'install', '--no-audit', '--no-fund', join(folder, tarball));
    const { stdout } = await cli('run', '-m', join(repoDir, model), ...greedy);
    expected = JSON.parse(stdout);
    assert.equal(expected.ids.length, 24);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('no compiler can be reached where the package is installed', () => {
    const find = (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env }).status === 0;
    assert.ok(find('node'), 'the search itself works');
    assert.deepEqual(COMPILERS.filter(find), []);
});

test('the package holds the four builds, the types, the model, and no file that it should not', () => {
    const list = (path) =>
        readdirSync(path, { recursive: true })
            .filter((name) => statSync(join(path, name)).isFile())
            .sort();
    const sources = list(join(repoDir, 'web'))
        .filter((name) => /^(cli\/)?[^/]+\.js$/.test(name))
        .map((name) => `web/${name}`);
    const files = list(join(folder, 'app/node_modules/trit'));
    const types = files.filter((name) => /^web\/types\/[^/]+\.d\.ts$/.test(name));
    assert.ok(types.includes('web/types/index.d.ts'));
    assert.deepEqual(
        files.filter((name) => !types.includes(name)),
        [
            ...['LICENSE', 'README.md', 'package.json', model],
            ...['web/node.cjs', 'web/node.d.cts'],
            ...flavours.flatMap((name) => [
                `web/dist/trit-${name}.mjs`,
                `web/dist/trit-${name}.wasm`,
            ]),
            ...[
                'web/dist/catalog.d.mts',
                'web/dist/catalog.mjs',
                'web/dist/jinja.LICENSE',
                'web/dist/jinja.mjs',
            ],
            ...sources,
        ].sort(),
    );
});

test('npx trit run writes what the checkout writes', () => {
    const printed = run('npx', 'trit', 'run', '-m', installed, ...greedy);
    assert.deepEqual(JSON.parse(printed), expected);
});

/** A program that tells flavour, threads and ids as JSON, by each way of getting the package. */
const program = `
    const [flavour, threads] = process.argv.slice(2);
    const model = await Trit.load('${installed}', { flavour, threads: Number(threads) });
    const { ids } = await model.generate('${prompt}', { temperature: 0, maxTokens: 24 }).result;
    console.log(JSON.stringify([model.info.flavour, model.info.threads, ids]));
    const error = await Trit.load('nothing').catch((reason) => reason);
    if (!(error instanceof TritError) || error.code !== 'FILE') throw error;
    const unknown = await Trit.load('catalog:none').catch((reason) => reason);
    if (unknown.code !== 'PARAM') throw unknown;
    if (new Error('x') instanceof TritError) throw new Error('every error is one of trit');
    model.close();`;

const builds = [
    ['simd128', 1],
    ['relaxed', 2],
    ['simd128', 2],
    ['relaxed', 1],
];

/** Runs it with these builds. */
function answers(command, withBuilds) {
    for (const [flavour, threads] of withBuilds) {
        const printed = run(...command, flavour, String(threads));
        assert.deepEqual(JSON.parse(printed), [flavour, threads, expected.ids]);
    }
}

// The relaxed builds need a Node that computes their instructions correctly.
const node = join(toolDir, 'node24/node');

test('every build answers a program that imports the package', () => {
    const code = `import { Trit, TritError } from 'trit';${program}`;
    writeFileSync(join(folder, 'app/app.mjs'), code);
    answers([node, 'app.mjs'], builds);
});

test('a program that requires the package is answered', () => {
    const code = `const { Trit, TritError } = require('trit');(async () => {${program}})();`;
    writeFileSync(join(folder, 'app/app.cjs'), code);
    answers([node, 'app.cjs'], builds.slice(0, 1));
});

for (const [name, args] of [
    ['deno', ['run', '--allow-all']],
    ['bun', ['run']],
]) {
    const skip = runtimeMissing(name) ?? false;
    test(`a program that imports the package is answered in ${name}`, { skip }, () => {
        answers([runtimeProgram(name), ...args, 'app.mjs'], builds.slice(0, 2));
    });
}

test('TypeScript programs find the types, by import, by require and in React', () => {
    const consumer = join(repoDir, 'tests/web/consumer');
    for (const name of readdirSync(consumer))
        copyFileSync(join(consumer, name), join(folder, 'app', name));
    const [, declaration] = readme.match(/```ts\n([^`]+)```/);
    writeFileSync(join(folder, 'app/trit-chat.d.ts'), declaration);
    const reactTypes = 'node_modules/@types/react';
    mkdirSync(join(folder, 'app/node_modules/@types'), { recursive: true });
    symlinkSync(join(repoDir, reactTypes), join(folder, 'app', reactTypes));
    const tsc = join(repoDir, 'node_modules/.bin/tsc');
    const options = ['--noEmit', '--strict', '--lib', 'es2023,dom', '--target', 'es2022'];
    const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler'];
    for (const args of [
        ['--module', 'nodenext', 'user.mts', 'user.cts'],
        [...bundler, 'user.mts'],
        [...bundler, '--jsx', 'react-jsx', 'user.tsx', 'trit-chat.d.ts'],
    ]) {
        const cwd = join(folder, 'app');
        const child = spawnSync(tsc, [...options, ...args], { cwd, encoding: 'utf8' });
        assert.equal(child.status, 0, child.stdout);
    }
});

test('publint finds nothing to say of the package', async () => {
    const { messages } = await publint({
        pkgDir: join(folder, 'app/node_modules/trit'),
        pack: false,
    });
    assert.deepEqual(messages, []);
});

test('the tag can be imported where there are no elements', () => {
    const code = `import { TritChat } from 'trit/element';
        import { openai } from 'trit/openai';
        console.log(TritChat.name, openai.name);`;
    writeFileSync(join(folder, 'app/server.mjs'), code);
    assert.equal(run('node', 'server.mjs'), 'TritChat openai\n');
});

const inChromium = { skip: browserMissing('chromium') ?? false };

/** A page of React with the recipe of README.md in it, and the recipe for Vite. */
function makeReactPage(place) {
    mkdirSync(join(place, 'public'), { recursive: true });
    copyFileSync(join(repoDir, model), join(place, 'public/model.trit'));
    for (const name of ['react', 'react-dom', 'scheduler'])
        symlinkSync(join(repoDir, 'node_modules', name), join(folder, 'app/node_modules', name));
    const [, teller] = readme.match(/```jsx\n([^`]+)```/);
    const [, config] = readme.match(/```js\n(export default \{ worker[^`]+)```/);
    const files = {
        'index.html': `<link rel="icon" href="data:," /><div id="root"></div>
            <script type="module" src="/main.jsx"></script>`,
        'main.jsx': `import { createRoot } from 'react-dom/client';
            import { Teller } from './teller.jsx';
            createRoot(document.querySelector('#root')).render(<Teller />);`,
        'teller.jsx': teller,
        'vite.config.mjs': config,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
}

/** In that page: presses its button, and waits for the story. */
async function tellInPage() {
    const find = (name) => document.querySelector(name);
    const until = async (isSo) => {
        while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await until(() => find('trit-chat')?.model);
    find('trit-chat').setAttribute('temperature', '0');
    find('trit-chat + button').click();
    await until(() => find('trit-chat').history.length === 2);
    const { shadowRoot, history } = find('trit-chat');
    return [history[1].content, shadowRoot.querySelector('.log').textContent];
}

test(
    'the recipes for React and Vite answer, built and as they are developed',
    inChromium,
    async (t) => {
        const place = join(folder, 'app/react');
        makeReactPage(place);
        const browser = await openBrowser('chromium');
        t.after(() => browser.close());
        await build({ root: place, logLevel: 'error' });
        const built = await startServer({ isolated: false, folder: join(place, 'dist') });
        t.after(() => built.close());
        const developed = await createServer({
            root: place,
            logLevel: 'error',
            server: { port: 0 },
        });
        t.after(() => developed.close());
        await developed.listen();
        const { port } = developed.httpServer.address();
        for (const url of [`${built.url}/index.html`, `http://localhost:${port}/`]) {
            const page = await browser.open(url);
            const told = await page.evaluate(tellInPage);
            assert.deepEqual(told, [expected.text, prompt + expected.text]);
            const own = /^\[vite\] connect|React DevTools/;
            const troubles = await page.troubles();
            assert.deepEqual(
                troubles.filter((text) => !own.test(text)),
                [],
            );
        }
    },
);

test('a page that Vite builds answers in Chromium', inChromium, async (t) => {
    const app = join(folder, 'app');
    const icon = '<link rel="icon" href="data:," />';
    const html = `${icon}<script type="module" src="main.js"></script>`;
    writeFileSync(join(app, 'index.html'), html);
    writeFileSync(join(app, 'main.js'), "import { Trit } from 'trit'; window.Trit = Trit;");
    const worker = { format: 'es' };
    await build({ root: app, worker, logLevel: 'error', configFile: false });
    copyFileSync(join(repoDir, model), join(app, 'dist/model.trit'));
    const server = await startServer({ isolated: true, folder: join(app, 'dist') });
    const browser = await openBrowser('chromium');
    t.after(() => Promise.all([browser.close(), server.close()]));
    const page = await browser.open(`${server.url}/index.html`);
    const code = await page.evaluate(() =>
        window.Trit.load('catalog:none').catch((error) => error.code),
    );
    assert.equal(code, 'PARAM', 'the catalogue is there');
    for (const flavour of ['simd128', 'relaxed'])
        for (const threads of [1, 2]) {
            const answer = await page.evaluate(
                async (options, text) => {
                    const loaded = await window.Trit.load('/model.trit', options);
                    const { result } = loaded.generate(text, { temperature: 0, maxTokens: 24 });
                    const { ids } = await result;
                    const { info } = loaded;
                    loaded.close();
                    return [info.flavour, info.threads, ids];
                },
                ...[{ flavour, threads }, prompt],
            );
            assert.deepEqual(answer, [flavour, threads, expected.ids]);
        }
    assert.deepEqual(await page.troubles(), []);
});
