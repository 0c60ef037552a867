#!/usr/bin/python3
"""Turns WordNet's data files into JSON lines for `wagglectl import`.

One line per synset: {"id": "n00001740", "text": gloss, "metadata": {"word", "words", "pos", "lexfile"}}.
Format of the files: wndb(5WN). The part of speech of an id is the file's letter, because offsets repeat between files.
"""
import argparse
import json
import os
import sys

FILES = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
LEXFILES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption "
    "verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative "
    "verb.weather adj.ppl").split()


def parse_line(line, pos):
    """One synset as a dict; None for the licence text at the head of each file."""
    if line.startswith("  ") or " | " not in line:
        return None
    head, gloss = line.split(" | ", 1)
    fields = head.split()
    count = int(fields[3], 16)
    words = [fields[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(count)]
    return {
        "id": FILES[pos] + fields[0],
        "text": gloss.strip(),
        "metadata": {"word": words[0], "words": words, "pos": pos, "lexfile": LEXFILES[int(fields[1])]},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default="/usr/share/wordnet", help="folder with data.noun, data.verb, data.adj, data.adv")
    parser.add_argument("--pos", choices=sorted(FILES), action="append", help="only this part of speech (repeatable)")
    options = parser.parse_args()
    for pos in options.pos or FILES:
        with open(os.path.join(options.dir, "data." + pos), encoding="utf-8", errors="strict") as lines:
            for line in lines:
                synset = parse_line(line, pos)
                if synset:
                    sys.stdout.write(json.dumps(synset, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
