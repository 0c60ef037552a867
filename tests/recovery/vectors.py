"""Vectors for tests with many points, and the exact answers to expect, without a numerics library."""
import random


def small_vector(generator, dimension):
    """Multiples of 1/8: exact as 32-bit floats."""
    return [generator.randrange(-64, 65) / 8 or 0.125 for _ in range(dimension)]


def squared_distance(a, b):
    return sum((x - y) * (x - y) for x, y in zip(a, b))


def nearest(points, query, limit):
    """Ids by squared distance, ties by id bytes; `points`: id → vector."""
    order = sorted((squared_distance(vector, query), id.encode()) for id, vector in points.items())
    return [id.decode() for _, id in order[:limit]]


def insert(client, name, points, batch=1000, payload=None):
    """Upserts id → vector in batches."""
    items = list(points.items())
    for at in range(0, len(items), batch):
        body = {"points": [{"id": id, "vector": vector, **({"payload": payload(id)} if payload else {})}
                           for id, vector in items[at:at + batch]]}
        client.ok("PUT", f"/collections/{name}/points", body)


def ids_of(answer):
    return [result["id"] for result in answer["results"]]


class TiledVectors:
    """Many long vectors that cost little: each is a row of tiles from a small stock.

    Their JSON is put together from ready pieces, and the distance to a query is a sum of one number per tile.
    """

    def __init__(self, count, dimension, seed, tiles=4, stock=500):
        assert dimension % tiles == 0
        self.generator = random.Random(seed)
        self.tiles, self.width = tiles, dimension // tiles
        self.stock = [[[self.generator.randrange(-99, 100) / 4 for _ in range(self.width)] for _ in range(stock)]
                      for _ in range(tiles)]
        self.text = [[",".join(map(repr, tile)) for tile in row] for row in self.stock]
        self.rows = [tuple(self.generator.randrange(stock) for _ in range(tiles)) for _ in range(count)]

    @staticmethod
    def id(number):
        return f"p{number:06d}"

    def json_of(self, number):
        return "[" + ",".join(self.text[t][pick] for t, pick in enumerate(self.rows[number])) + "]"

    def batch(self, first, last):
        """Body of an upsert of the points first … last-1."""
        return '{"points":[' + ",".join(
            f'{{"id":"{self.id(n)}","vector":{self.json_of(n)}}}' for n in range(first, last)) + "]}"

    def query(self):
        return [self.generator.randrange(-99, 100) / 4 for _ in range(self.tiles * self.width)]

    def nearest(self, query, limit):
        parts = [query[t * self.width:(t + 1) * self.width] for t in range(self.tiles)]
        cost = [[squared_distance(tile, parts[t]) for tile in row] for t, row in enumerate(self.stock)]
        order = sorted((sum(cost[t][pick] for t, pick in enumerate(row)), n) for n, row in enumerate(self.rows))
        return [self.id(n) for _, n in order[:limit]]
