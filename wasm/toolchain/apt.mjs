// Debian packages without root and without touching the host: apt with its own lists, cache and an
// empty list of installed packages, unpacked by dpkg-deb into a folder of ours.
import { mkdirSync, readdirSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, probe } from './run.mjs';
import { toolDir } from './paths.mjs';

const aptDir = join(toolDir, 'apt');
const debDir = join(aptDir, 'debs');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
// Suites of Debian proper; the -security and -updates suites live under other addresses or lack most packages.
const SUITE =
    /^'(.+)\/dists\/(?:bookworm|trixie|forky|oldstable|stable|testing|unstable|sid)\/InRelease'/m;

/** True when this is a Debian with apt, so that packages can be unpacked privately. */
export function haveApt() {
    return process.platform === 'linux' && debianMirror() !== null;
}

/** The address of the mirror that the host itself uses, or null where the host is no Debian. */
export function debianMirror() {
    mkdirSync(join(aptDir, 'none', 'partial'), { recursive: true });
    const uris = probe('apt-get', [
        ...['-o', `Dir::State::lists=${join(aptDir, 'none')}`, '-o', 'Debug::NoLocking=1'],
        ...['update', '--print-uris'],
    ]);
    return uris?.match(SUITE)?.[1] ?? null;
}

function aptOptions() {
    return Object.entries({
        'Dir::Etc::sourcelist': join(aptDir, 'sources.list'),
        'Dir::Etc::sourceparts': '/dev/null',
        'Dir::State': aptDir,
        'Dir::State::lists': join(aptDir, 'lists'),
        'Dir::State::status': join(aptDir, 'status'),
        'Dir::Cache': join(aptDir, 'cache'),
        // Our folders need not be readable for apt's own user.
        'APT::Sandbox::User': '',
        'APT::Install-Recommends': 'false',
        'Acquire::Languages': 'none',
        'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
        'Acquire::Retries': '3',
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/**
 * Downloads `names` and what they depend on from `suite`, minus the packages in `have` and those that
 * match `except`, unpacks them into `into` without the paths in `exclude` (tar patterns), and returns the versions.
 */
export function unpackPackages({ suite, names, have, except, exclude, into }) {
    for (const folder of ['lists/partial', 'cache/archives/partial', 'debs']) {
        mkdirSync(join(aptDir, folder), { recursive: true });
    }
    const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
    writeFileSync(join(aptDir, 'sources.list'), `deb${signed} ${debianMirror()} ${suite} main\n`);
    writeFileSync(join(aptDir, 'status'), '');
    capture('apt-get', [...aptOptions(), '-qq', 'update']);

    const plan = capture('apt-get', [...aptOptions(), '-s', '-qq', 'install', ...names]);
    const wanted = [...plan.matchAll(/^Inst (\S+)/gm)]
        .map((match) => match[1])
        .filter((name) => !(name in have) && !except.test(name));
    capture('apt-get', [...aptOptions(), '-qq', 'download', ...wanted], { cwd: debDir });

    const debs = readdirSync(debDir).filter((name) => name.endsWith('.deb'));
    mkdirSync(into, { recursive: true });
    const excluded = exclude.map((pattern) => `--exclude=${pattern}`);
    for (const deb of debs) {
        const file = join(debDir, deb);
        const script =
            'set -e; file="$1"; into="$2"; shift 2; ' +
            'dpkg-deb --fsys-tarfile "$file" | tar -x -C "$into" --no-same-owner "$@"';
        capture('bash', ['-o', 'pipefail', '-c', script, 'unpack', file, into, ...excluded]);
        rmSync(file);
    }
    return Object.fromEntries(debs.map((deb) => deb.split('_').slice(0, 2)));
}

/** Fetches one file of the mirror's source pool, checked against its SHA-256; false if it is not there. */
export function fetchFromPool(path, sha256, file) {
    const mirror = debianMirror();
    const helper = '/usr/lib/apt/apt-helper';
    if (!mirror || !existsSync(helper)) return false;
    const args = ['download-file', `${mirror}/pool/${path}`, file, `SHA256:${sha256}`];
    return probe(helper, ['-o', 'APT::Sandbox::User=', ...args]) !== null;
}
