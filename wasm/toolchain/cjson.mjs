// cJSON is a build-time dependency: one source archive, known by its hash, unpacked to .toolchain/cjson.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchFromPool } from './apt.mjs';
import { cjsonDir, readJson, toolDir } from './paths.mjs';
import { capture, SetupError } from './run.mjs';

const VERSION = '1.7.19';
const SHA256 = '7fa616e3046edfa7a28a32d5f9eacfd23f92900fe1f8ccd988c1662f30454562';
const UPSTREAM = `https://github.com/DaveGamble/cJSON/archive/refs/tags/v${VERSION}.tar.gz`;

function matches(file) {
    return (
        existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === SHA256
    );
}

async function fetchUpstream(file) {
    const response = await fetch(UPSTREAM).catch(() => null);
    if (response?.ok) writeFileSync(file, Buffer.from(await response.arrayBuffer()));
}

export async function ensureCjson() {
    const stamp = join(cjsonDir, 'stamp.json');
    if (readJson(stamp)?.sha256 === SHA256) return;
    mkdirSync(toolDir, { recursive: true });
    const archive = join(toolDir, `cjson-${VERSION}.tar.gz`);
    if (!matches(archive))
        fetchFromPool(`main/c/cjson/cjson_${VERSION}.orig.tar.gz`, SHA256, archive);
    if (!matches(archive)) await fetchUpstream(archive);
    if (!matches(archive)) {
        throw new SetupError(
            `cJSON ${VERSION} could not be fetched with the expected hash: put its source archive ` +
                `(${UPSTREAM}) at ${archive} and run this again`,
        );
    }
    rmSync(cjsonDir, { recursive: true, force: true });
    mkdirSync(cjsonDir, { recursive: true });
    capture('tar', ['-xzf', archive, '-C', cjsonDir, '--strip-components=1', '--no-same-owner']);
    writeFileSync(stamp, JSON.stringify({ version: VERSION, sha256: SHA256 }));
}
