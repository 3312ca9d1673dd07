// How much of the parsers the committed inputs of the fuzz targets reach, line by line, by clang's counters.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { llvmProgram } from '../../wasm/toolchain/fuzzer.mjs';
import { repoDir, toolEnv } from '../../wasm/toolchain/paths.mjs';

const FLOOR = 90;
/** Everything that reads bytes from outside. */
const PARSERS =
    /^core\/(json|safetensors|packfile|presets|config|names|gguf\w*|loader\w*|tokenizer\w*|blocks|pack|bpe|pretokenize|spelling|token_map|text|utf8|sampler|session_file|grammar\w*|schema_facts|vocabulary)\.c$/;

function capture(command, args, env = {}) {
    const options = { cwd: repoDir, env: toolEnv(env), encoding: 'utf8', maxBuffer: 1 << 28 };
    const child = spawnSync(command, args, options);
    if (child.status === 0) return child.stdout;
    throw new Error(`${command} failed: ${child.error?.message ?? child.stderr.slice(-2000)}`);
}

/** Prints a line a file; false when one is below the floor. */
export function coverage(targets, inputsOf) {
    const program = join(repoDir, 'build/coverage/tests/fuzz_targets');
    const profiles = targets.map((target) => {
        const files = inputsOf(target).flatMap((folder) =>
            readdirSync(join(repoDir, folder)).map((name) => join(folder, name)),
        );
        const profile = `${program}.${target}.profraw`;
        const args = [target.slice('fuzz_'.length), '2000', '1', ...files];
        capture(program, args, { LLVM_PROFILE_FILE: profile });
        return profile;
    });
    const merged = join(repoDir, 'build/coverage/all.profdata');
    capture(llvmProgram('llvm-profdata'), ['merge', '-o', merged, ...profiles]);
    const report = JSON.parse(
        capture(llvmProgram('llvm-cov'), [
            'export',
            '-summary-only',
            `-instr-profile=${merged}`,
            program,
        ]),
    );
    const parsers = report.data[0].files
        .map(({ filename, summary }) => ({
            name: filename.slice(repoDir.length + 1),
            ...summary.lines,
        }))
        .filter(({ name }) => PARSERS.test(name));
    const total = { name: 'all of them', count: 0, covered: 0 };
    for (const { count, covered } of parsers) {
        total.count += count;
        total.covered += covered;
    }
    for (const { name, count, covered } of [...parsers, total])
        console.log(
            `${name.padEnd(26)} ${((100 * covered) / count).toFixed(1).padStart(5)} % of ${count} lines`,
        );
    return parsers.length > 0 && (100 * total.covered) / total.count >= FLOOR;
}
