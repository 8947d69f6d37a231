"""The quickstart's training does what its sweep relies on: rows, continuing, TERM, refusals."""
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

EXAMPLE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../examples/quickstart"))


def command(*arguments):
    return [sys.executable, "train.py", *arguments]


def run(*arguments, metrics=""):
    return subprocess.run(command(*arguments), cwd=EXAMPLE, text=True, timeout=60,
                          env={**os.environ, "WF_METRICS_FILE": metrics},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Training(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.out = os.path.join(self.folder.name, "out")

    def summary(self):
        with open(os.path.join(self.out, "summary.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_every_row_of_the_sweep_is_understood(self):
        with open(os.path.join(EXAMPLE, "sweep.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        self.assertEqual(len(rows), 6)
        for row in rows:
            done = run(row["config"], f"out_dir={self.out}/{row['run_id']}", f"seed={row['seed']}",
                       *shlex.split(row["overrides"]), "steps=2", "step_secs=0")
            self.assertEqual(done.returncode, 1 if row["run_id"] == "tiny-bad" else 0, done.stderr)
            self.assertGreater(len(done.stdout.splitlines()), 10)
            if row["run_id"] == "tiny-bad":
                self.assertIn("ModuleNotFoundError: No module named 'nosuch'", done.stderr)

    def test_the_loss_falls_and_is_written(self):
        metrics = os.path.join(self.folder.name, "metrics.jsonl")
        done = run("config/tiny.py", f"out_dir={self.out}", "data_dir=", "seed=1", "wandb_log=1",
                   "wandb_anything=x", "step_secs=0", metrics=metrics)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(metrics, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual((lines[-1]["step"], lines[-1]["total_steps"]), (200, 200))
        self.assertLess(self.summary()["loss"], lines[0]["loss"] / 2)

    def test_term_saves_and_the_next_start_ends_like_an_uninterrupted_one(self):
        short = ["config/tiny.py", f"out_dir={self.out}", "seed=3", "steps=60"]
        with subprocess.Popen(command(*short, "step_secs=0.2"), cwd=EXAMPLE, text=True,
                              stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                if line.startswith("step"):
                    break
            process.terminate()
            self.assertIn("TERM: saved step", process.stdout.read())
            self.assertEqual(process.wait(), 143)
        self.assertIn("continuing after step", run(*short, "step_secs=0").stdout)
        loss = self.summary()["loss"]
        self.out += "-whole"
        run("config/tiny.py", f"out_dir={self.out}", "seed=3", "steps=60", "step_secs=0")
        self.assertEqual(self.summary()["loss"], loss)

    def test_what_cannot_be_done_is_said(self):
        for word, complaint in [("lrr=1", "did you mean 'lr'"), ("steps=no", "steps must be int"),
                                ("steps=0", "at least 1"), ("seed=x", "not an integer"),
                                ("word", "is not KEY=VALUE"), ("hidden=[0]", "positive integers")]:
            done = run("config/tiny.py", f"out_dir={self.out}", word)
            self.assertEqual(done.returncode, 2)
            self.assertIn(complaint, done.stderr)
        self.assertFalse(os.path.exists(self.out))


unittest.main()
