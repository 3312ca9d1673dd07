// The generator of a file like the official one of 2B4T, and the benchmark of imports, on its smallest shape.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { TINY } from '../bench/import-sources.mjs';
import { OFFICIAL, officialFile } from '../bench/official.mjs';
import { sizeOf, stream, writePieces } from '../bench/pieces.mjs';
import { Trit } from '../../web/node.js';
import { root, temporaryFolder } from './helpers.mjs';

test('the official shape makes a file of exactly the official size', () => {
    const { pieces, phases } = officialFile();
    assert.equal(sizeOf(pieces), 1187801280);
    assert.deepEqual(
        phases.map(({ end }) => end),
        [8351360, 8351360 + 656670720, 1187801280],
    );
    assert.ok(Math.max(...pieces.map(({ bytes }) => bytes)) <= 2 * OFFICIAL.dataBegin);
    const header = stream(pieces).next().value;
    assert.equal(header.toString('latin1', 0, 4), 'GGUF');
    assert.deepEqual([header.readUInt32LE(4), header.readBigUInt64LE(8)], [3, 332n]);
    assert.equal(header.readBigUInt64LE(16), 24n);
});

test('its bytes are the same from any byte on, written and streamed, and one model', async (t) => {
    const { pieces } = officialFile(TINY);
    const path = join(temporaryFolder(t), 'model.gguf');
    writePieces(path, pieces);
    const bytes = readFileSync(path);
    assert.equal(bytes.length, sizeOf(pieces));
    for (const from of [0, 1, 31, pieces[0].bytes, 1000003, bytes.length - 1, bytes.length])
        assert.ok(Buffer.concat([...stream(pieces, from)]).equals(bytes.subarray(from)), from);
    const answers = [];
    for (const source of [path, stream(pieces)]) {
        const model = await Trit.load(source, { threads: 1 });
        const { nLayer, dim, nVocab, nCtx } = model.info;
        assert.deepEqual([nLayer, dim, nVocab, nCtx], [11, 256, 256 + 300 + 256, 256]);
        assert.equal(await model.detokenize(await model.tokenize('ten eat teat')), 'ten eat teat');
        assert.equal((await model.tokenize('teat')).length, 1);
        answers.push((await model.generate('teat', { maxTokens: 8, temperature: 0 }).result).ids);
        model.close();
    }
    assert.deepEqual(answers[0], answers[1]);
});

test('bench:import imports every container and finds the same bytes twice', async (t) => {
    const json = join(temporaryFolder(t), 'report.json');
    const args = ['--shape', 'tiny', '--nodes', 'node', '--rounds', '2', '--json', json];
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['tests/bench/import.mjs', ...args],
        { cwd: root, encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /\| official +\| node +\|/);
    const { reports } = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(
        reports.map(({ source }) => source),
        ['official', 'tq2_0', 'packed', 'masters'],
    );
    for (const { info, peakBytes, rates } of reports) {
        assert.ok(info.modelBytes < info.memoryBytes && info.memoryBytes < peakBytes);
        const all = rates.find(({ name }) => name === 'all');
        assert.ok(all.bytes > 1e6 && all.seconds.min > 0 && all.cpu.runs.length === 2);
    }
});
