"""The whole text at a glance: a row for each chapter, as long as the chapter, darker where p_z is larger.

- **A row is a chapter**, with its name at the left. At the right is its coverage: the share of its measured characters
  with p_z ≥ 50%, *as suffix* or *in a window* as `coverage` says. Texts of more than 40 chapters, or none, have 20 rows
  of equal length, named by their first character, and orange marks where chapters begin. What precedes the first
  chapter has a row if some of it is measured.
- **Colour** is the largest p_z of the windows that cover the character, in steps at the published thresholds: 0.1%, 1%,
  10%, 50%. Where no window of the text reaches the first, steps begin at the controls' threshold t
  ([calibration.json](calibration.md)), so that a coloured character lies above the controls; or, where the text has no
  window above t, at its median window. They end at the best window, and the shares at the right count what is coloured.
- **Controls** are below, in the same colours. Each fills its row, whatever its length; of more than four, the one with
  the largest share is shown.
- **Bands**, with controls: a line has the share of characters that are *like unseen text*, *only above the controls*
  (above t), and *extractable* (above t, and in 1,000 tries drawn with a probability of 99%). Hatched over its colour,
  ≤ t, is what is as *easily drawn, not above* t: controls have it too. What is *left out* is not measured, or only by
  windows that are repetitive. A single character has no error rate; t has one.
- **Hatching** in grey marks characters that cannot be measured or were not selected; it does not mean zero. A column
  with a measured character is not hatched. The footer says how much is hatched.
- **A selection** by `only` is shown from its first character to its last.
- **A column shows its largest value**, not its mean: a single line that the model knows stays visible in a book of
  any length.
- **The sentence below the title** has the coverage of the whole text and of the controls: with an interval for other
  such texts, or at 0% and 100% with the bound that windows without common text give, as if they were independent.

`figsize=column` draws it 3.3 inches wide for a column of a paper, with numbers for names and without the sentences,
which its caption should have. A size such as `figsize=20x3` draws **a strip** instead: the book from left to right,
both coverages one above the other, with a strip of bands between them, on a continuous scale.

Settings: `coverage`, `plot_title` (for books, not for controls), `colormap` (`auto` are the report's colours; or
sequential maps that keep their order in grey), `figsize`, and `dpi`, which holds for all charts.

```sh
byheart run figsize=column dpi=600 colormap=cividis "plot_title=The Soap Winter"
```
"""

from matplotlib.figure import Figure

from byheart.components.plot.frame import ChartData
from byheart.components.plot.maps.row_figure import COLUMN as COLUMN_FORM
from byheart.components.plot.maps.row_figure import PAGE, draw_rows
from byheart.components.plot.maps.strip import draw_strips
from byheart.contracts.books import BOOK
from byheart.contracts.setting_groups import COLUMN

POSITION = 1


def draw(data: ChartData) -> Figure:
    """The map in the form that `figsize` says."""
    settings, book = data.settings, data.measured.book
    is_column = settings.figsize == COLUMN
    title = f"How much of “{book.called}” does {data.model} know by heart?"
    if settings.plot_title and book.role == BOOK:
        title = settings.plot_title
    elif is_column:
        title = f"{book.called}, {data.model}"
    if size := settings.strip_size:
        return draw_strips(data, title, size)
    return draw_rows(data, title, COLUMN_FORM if is_column else PAGE)
