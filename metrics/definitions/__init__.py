"""The registry: every view, dimension and measure, checked on import."""

from metrics.definitions import money, output, people, quality, time
from metrics.definitions.dimensions import DIMENSIONS
from metrics.definitions.views import VIEWS
from metrics.model import build

REGISTRY = build(VIEWS, (*output.MEASURES, *time.MEASURES, *quality.MEASURES, *money.MEASURES, *people.MEASURES), DIMENSIONS)
FAMILIES = {
    family: tuple(measure.name for measure in module.MEASURES if not measure.hidden)
    for family, module in (("output", output), ("time", time), ("quality", quality), ("money", money), ("people", people))
}
