"""What people do in the demo, on the three databases, while nothing is connected: who, what, and the SQL."""

FIRST_DAY = [
    (
        "central",
        "insert a city, Montpellier",
        "INSERT INTO gis.cities (name, country, geom) VALUES ('Montpellier', 'FRA', 'SRID=4326;POINT(3.8767 43.6108)')",
    ),
    (
        "tablet",
        "insert a city, Saint-Malo (it gets the same serial id as Montpellier did)",
        "INSERT INTO gis.cities (name, country, geom) VALUES ('Saint-Malo', 'FRA', 'SRID=4326;POINT(-2.0257 48.6493)')",
    ),
    (
        "laptop",
        "insert two observations in Kenya",
        "INSERT INTO gis.observations (country, kind, remark, geom) VALUES"
        " ('KEN', 'well', 'pump broken', 'SRID=4326;POINT(37.9 0.5)'),"
        " ('KEN', 'bridge', NULL, 'SRID=4326;POINT(36.8 -1.3)')",
    ),
    (
        "tablet",
        "insert a continent and a country that refers to it",
        "INSERT INTO gis.continents VALUES ('Zealandia');"
        "INSERT INTO gis.countries (iso_a3, name, continent) VALUES ('ZEA', 'Zealandia', 'Zealandia')",
    ),
    ("central", "update France: population", "UPDATE gis.countries SET population = 68000000 WHERE iso_a3 = 'FRA'"),
    (
        "tablet",
        "update France: GDP (another field of the same row: no conflict)",
        "UPDATE gis.countries SET gdp_musd = 2780000 WHERE iso_a3 = 'FRA'",
    ),
    ("laptop", "delete the city of Bandar Seri Begawan", "DELETE FROM gis.cities WHERE name = 'Bandar Seri Begawan'"),
    ("central", "update Paris: note", "UPDATE gis.cities SET note = 'seen from the office' WHERE name = 'Paris'"),
    (
        "tablet",
        "update Paris: note (the same field: a conflict)",
        "UPDATE gis.cities SET note = 'seen from the tower' WHERE name = 'Paris'",
    ),
    (
        "laptop",
        "update Paris: note (the same field again, and the last edit)",
        "UPDATE gis.cities SET note = 'seen from the river' WHERE name = 'Paris'",
    ),
    (
        "tablet",
        "update Bern: note (before the central edits the same field)",
        "UPDATE gis.cities SET note = 'from the tablet, earlier' WHERE name = 'Bern'",
    ),
    (
        "central",
        "update Bern: note (the same field, later: the central's edit wins)",
        "UPDATE gis.cities SET note = 'from the central, later' WHERE name = 'Bern'",
    ),
    (
        "laptop",
        "move Lagos by some metres",
        "UPDATE gis.cities SET geom = ST_Translate(geom, 0.0005, -0.0002) WHERE name = 'Lagos'",
    ),
    (
        "laptop",
        "update the visits of all cities in Italy",
        "UPDATE gis.cities SET visited = '2026-06-01' WHERE country = 'ITA'",
    ),
]

SECOND_DAY = [
    ("laptop", "update Vaduz: note", "UPDATE gis.cities SET note = 'to be checked' WHERE name = 'Vaduz'"),
    ("central", "delete Vaduz (a delete beats an update: a conflict)", "DELETE FROM gis.cities WHERE name = 'Vaduz'"),
    (
        "laptop",
        "correct an observation that came from the central",
        "UPDATE gis.observations SET remark = 'brass bolt, painted red' WHERE country = 'NOR'",
    ),
    (
        "central",
        "close an observation that came from the laptop",
        "UPDATE gis.observations SET remark = 'pump repaired' WHERE kind = 'well'",
    ),
    ("tablet", "delete the other one", "DELETE FROM gis.observations WHERE kind = 'bridge'"),
    (
        "tablet",
        "insert and delete a city, and rename Saint-Malo twice",
        "INSERT INTO gis.cities (name) VALUES ('a mistake'); DELETE FROM gis.cities WHERE name = 'a mistake';"
        "UPDATE gis.cities SET name = 'Saint Malo' WHERE name = 'Saint-Malo';"
        "UPDATE gis.cities SET name = 'St-Malo' WHERE name = 'Saint Malo'",
    ),
]

# How many of these edits contradict another one, and what must be in all three databases at the end.
CONFLICTS = 4

EXPECTED = [
    ("France: population", "SELECT population FROM gis.countries WHERE iso_a3 = 'FRA'", "68000000"),
    ("France: GDP", "SELECT gdp_musd FROM gis.countries WHERE iso_a3 = 'FRA'", "2780000"),
    ("Paris: note", "SELECT note FROM gis.cities WHERE name = 'Paris'", "seen from the river"),
    ("Bern: note", "SELECT note FROM gis.cities WHERE name = 'Bern'", "from the central, later"),
    ("Vaduz: rows", "SELECT count(*) FROM gis.cities WHERE name = 'Vaduz'", "0"),
    ("Bandar Seri Begawan: rows", "SELECT count(*) FROM gis.cities WHERE name LIKE 'Bandar%'", "0"),
    (
        "new cities",
        "SELECT string_agg(name, ', ' ORDER BY name) FROM gis.cities WHERE name LIKE '%-Malo' OR name = 'Montpellier'",
        "Montpellier, St-Malo",
    ),
    ("Zealandia: continent", "SELECT continent FROM gis.countries WHERE iso_a3 = 'ZEA'", "Zealandia"),
    ("cities visited", "SELECT count(*) FROM gis.cities WHERE visited IS NOT NULL", "4"),
    ("well in Kenya: remark", "SELECT remark FROM gis.observations WHERE kind = 'well'", "pump repaired"),
    ("Norway: remark", "SELECT remark FROM gis.observations WHERE country = 'NOR'", "brass bolt, painted red"),
]
