// One prompt and seed give the same ids in every engine, with every build, wherever the model comes from.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readPacked } from '../../models/reference/packed.mjs';
import { writeSafetensors } from '../../models/reference/write.mjs';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { toolDir } from '../../wasm/toolchain/paths.mjs';
import { Trit } from '../../web/node.js';
import { tinyTalesFolder } from '../golden/generated.mjs';
import { mastersOf } from '../golden/model-masters.mjs';
import { openBrowser } from './browsers.mjs';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';
import { answer } from './same-ids.mjs';
import { startServer } from './server.mjs';

const BUILDS = [
    ['simd128', 1],
    ['simd128', 2],
    ['relaxed', 1],
    ['relaxed', 2],
];
const RECORD = 1 << 18;

/** Which flavours a host has; the engine itself says why it has not the other. */
const HOSTS = {
    'Node 20': ['simd128'],
    'Node 24': ['simd128', 'relaxed'],
    chromium: ['simd128', 'relaxed'],
    firefox: ['simd128', 'relaxed'],
    webkit: ['simd128'],
};

/** By address. */
let files;
/** What is loaded: of the masters all files, which a list names. */
const sourcesAt = (origin) => ({
    packed: `${origin}/tales.trit`,
    masters: ['model.safetensors', 'config.json', 'tokenizer.json', 'tokenizer_config.json'].map(
        (name) => `${origin}/${name}`,
    ),
    'GGUF TQ2_0': `${origin}/tq2_0.gguf`,
    'GGUF I2_S': `${origin}/i2_s.gguf`,
});

let expected;
before(async () => {
    expected = (await answer(Trit, modelPath, { threads: 1, flavour: 'simd128' })).ids;
    assert.equal(expected.greedy.length, 40);
    assert.notDeepEqual(expected.greedy, expected.sampled);
    const f16 = readFileSync(join(root, 'models/tiny-tales/tiny-tales-f16.trit'));
    const model = readPacked(f16);
    const { config, tokenizer, tokenizerConfig } = tinyTalesFolder(model.config);
    const text = (value) => Buffer.from(JSON.stringify(value));
    files = {
        '/tales.trit': readFileSync(modelPath),
        '/model.safetensors': Buffer.from(
            writeSafetensors(mastersOf(model, 'BF16'), { format: 'pt' }),
        ),
        '/config.json': text(config),
        '/tokenizer.json': text(tokenizer),
        '/tokenizer_config.json': text(tokenizerConfig),
    };
    const folder = temporaryFolder({ after: (done) => process.once('exit', done) });
    for (const to of ['tq2_0', 'i2_s']) {
        const path = join(folder, `${to}.gguf`);
        const { code, stderr } = await cli('convert', modelPath, '--to', to, '-o', path);
        assert.equal(code, 0, stderr);
        files[`/${to}.gguf`] = readFileSync(path);
    }
});

/** What is loaded in one host, in this order: [where from, source, build]. */
function cellsOf(flavours) {
    const builds = BUILDS.filter(([flavour]) => flavours.includes(flavour));
    const turn = (i) => builds[i % builds.length];
    const imports = Object.keys(sourcesAt('')).filter((source) => source !== 'packed');
    return [
        ['network, kept', 'packed', turn(0)],
        ...builds.slice(1).map((build) => ['network', 'packed', build]),
        ...builds.map((build) => ['store', 'packed', build]),
        ...imports.flatMap((source, i) => [
            ['network, kept', source, turn(i)],
            ['store', source, turn(i + 1)],
        ]),
    ];
}

/**
 * Loads every cell in one host.
 * @param {string} name
 * @param {(source: any, options: object) => Promise<any>} ask gives what `answer` does there
 */
async function sameIn(t, name, ask) {
    const headers = {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'content-range',
    };
    const server = await serveModel(new Uint8Array(0), headers);
    server.files = files;
    t.after(() => server.close());
    const sources = sourcesAt(server.origin);
    const rows = [];
    for (const [from, source, [flavour, threads]] of cellsOf(HOSTS[name])) {
        const store = from === 'network' ? false : { recordBytes: RECORD };
        const nBefore = server.requests.length;
        const found = await ask(sources[source], { flavour, threads, store });
        const what = `${name}, ${source} from the ${from}, ${flavour}, ${threads} thread(s)`;
        assert.deepEqual(found.ids, expected, `${what}: ${found.code} ${found.message}`);
        assert.deepEqual(found.engine, [flavour, threads, store !== false], what);
        assert.equal(server.requests.length === nBefore, from === 'store', what);
        rows.push(what);
    }
    for (const flavour of ['simd128', 'relaxed']) {
        if (HOSTS[name].includes(flavour)) continue;
        const { code, message } = await ask(sources.packed, { flavour });
        assert.equal(code, 'UNSUPPORTED');
        rows.push(`${name}, ${flavour}: not, as ${message}`);
    }
    for (const row of rows) t.diagnostic(row);
}

const nodeFile = fileURLToPath(new URL('same-ids-process.mjs', import.meta.url));
for (const [name, program] of [
    ['Node 20', process.execPath],
    ['Node 24', join(toolDir, 'node24/node')],
])
    test(`S1 ${name}`, async (t) => {
        const env = { ...process.env, TRIT_CACHE: temporaryFolder(t) };
        const child = fork(nodeFile, { execPath: program, execArgv: [], env });
        t.after(() => child.kill());
        await sameIn(t, name, async (...asked) => {
            child.send(asked);
            return (await once(child, 'message'))[0];
        });
    });

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(`S1 ${name}`, { skip }, async (t) => {
        const browser = await openBrowser(name);
        const pages = await startServer({ isolated: true });
        t.after(() => browser.close());
        t.after(() => pages.close());
        const page = await browser.open(`${pages.url}/tests/web/page.html`);
        await sameIn(t, name, (...asked) =>
            page.evaluate(
                async (source, options) => {
                    const { answer } = await import('/tests/web/same-ids.mjs');
                    return answer(window.Trit, source, options);
                },
                ...asked,
            ),
        );
    });
}
