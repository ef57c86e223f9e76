"""Why a method says nothing, and what to know before believing what it says: its `reason` and `warning` in words for people.

Methods give short codes, closed sets each; here is one sentence in English and one in Chinese for every code there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from metrics import control, fatigue, forecast, intervals, price_index, scope, survival, truth, turnover
from metrics.model import Text

WORDS: Mapping[str, Text] = {
    # Samples
    "no sample": Text("Nothing was inspected or counted.", "没有抽检或计数的样本。"),
    "no population": Text("There is no work to speak of.", "没有可统计的作业。"),
    "nothing inspected": Text("Nothing of it was inspected.", "没有任何抽检。"),
    "no inclusion probability": Text("No check has a known probability of having been drawn.", "没有一次检查的抽中概率是已知的。"),
    "no variation": Text("All are alike, so there is no interval.", "各样本完全一致，无法给出区间。"),
    "too few clusters": Text(
        f"Too few groups of work for an interval (fewer than {intervals.MIN_RESAMPLED} for one by resampling).",
        f"组数太少，无法给出区间（重抽样至少需要 {intervals.MIN_RESAMPLED} 组）。",
    ),
    "no events": Text("It never happened, so there is nothing to compare.", "从未发生，无从比较。"),
    "only events": Text("It always happened, so there is nothing to compare.", "全部发生，无从比较。"),
    "nothing expected": Text("Nothing was to be expected of this work.", "按参照比率，这些作业的期望数为零。"),
    "nothing to compare": Text("In no group do both sides have cases that differ.", "没有一层可供双方比较。"),
    "one group": Text("Only one has a sample.", "只有一个对象有样本。"),
    "no stages": Text("No stages were given.", "没有工序。"),
    "nothing passed": Text("Nothing passed one of the stages.", "有工序一件都没有通过。"),
    "few points": Text(f"Fewer than {control.MIN_POINTS} points: too few for limits.", f"不足 {control.MIN_POINTS} 个点，不足以画控制限。"),
    "sigma_z under 1": Text(
        "Points differ less than chance alone would make them: check that samples are counted right.",
        "各点的差异比偶然波动还小：请核对样本量的口径。",
    ),
    # Agreement
    "all the same": Text("Everybody gave the same answer, so chance explains all of it.", "所有人的答案都相同，偶然即可解释。"),
    "too few items": Text(
        f"Fewer than {intervals.MIN_RESAMPLED} items: too few for an interval.", f"不足 {intervals.MIN_RESAMPLED} 题，无法给出区间。"
    ),
    "no labels": Text("There are no labels.", "没有标注。"),
    "one class": Text("All labels are of one class.", "所有标注都是同一类别。"),
    "too few labels": Text(f"No item has {truth.MIN_LABELS} labels.", f"没有任何一题有 {truth.MIN_LABELS} 个标注。"),
    "reviewers no better than chance": Text("The reviewers do no better than chance.", "质检员的判断不比随机好。"),
    # People
    "nobody": Text("There is nobody to count.", "没有可统计的人。"),
    "nobody was watched": Text("Nobody was watched.", "没有观察到任何人。"),
    "nobody has left": Text("Nobody has left yet.", "还没有人离职。"),
    "too few have left": Text("Too few have left to fit a model.", "离职人数太少，无法建模。"),
    "no time was watched": Text("Nobody was watched for any time.", "观察时长为零。"),
    "fewer than two groups": Text("There are fewer than two groups to compare.", "不足两组，无法比较。"),
    "groups never at risk together": Text(
        "Whenever somebody left, only one of the groups was there.", "每次有人离职时都只有一组在场，无法比较。"
    ),
    "tenures not covered": Text(
        f"Of nobody's tenure were enough people watched ({survival.MIN_AT_RISK} are needed).",
        f"这些司龄上观察的人数都不够（需要 {survival.MIN_AT_RISK} 人）。",
    ),
    "no hire is old enough": Text("No hire was long enough ago.", "还没有入职满期的人。"),
    "all gone before others came": Text(
        "All of the few watched early left before others came, so the curve is 0 from there on. Start it later.",
        "早期观察的少数人在其他人进入之前已全部离开，曲线自此为 0；请从更晚的司龄开始。",
    ),
    "does not vary": Text("It is the same for everybody.", "所有人都一样。"),
    "no covariate varies": Text("No factor differs between people.", "没有任何因素因人而异。"),
    "covariates say the same": Text("Some factors say the same as others.", "有些因素彼此重复。"),
    "covariates never differ at an exit": Text(
        "Whenever somebody left, those still there did not differ in any factor.", "每次有人离职时，在场的人各因素都相同。"
    ),
    "a covariate tells who leaves": Text(
        "A factor tells without exception who leaves (first): perhaps it is known only because they leave.",
        "某个因素毫无例外地区分了谁（先）离职：可能是因为离职才知道的。",
    ),
    "too few left or stayed": Text("Too few left, or too few stayed.", "离职或留任的人太少。"),
    "all chances are the same": Text("All chances are the same.", "所有人的概率都相同。"),
    "the chances tell who leaves": Text("The chances tell without exception who leaves.", "概率毫无例外地区分了谁离职。"),
    "nobody to leave": Text("There was nobody who could have left.", "没有可能离职的人。"),
    "a month has no rate": Text("A month has no rate.", "有月份没有离职率。"),
    "too few months": Text(
        f"Fewer than {turnover.MIN_MONTHS} months say nothing about a year.", f"不足 {turnover.MIN_MONTHS} 个月，无法年化。"
    ),
    "nobody at the start": Text("There was nobody at the start.", "期初没有人。"),
    "nothing to share": Text("There is nothing to share.", "没有可分配的金额。"),
    "too few people": Text(
        f"Fewer than {scope.SMALLEST_GROUP} people: somebody could be told from it.",
        f"不足 {scope.SMALLEST_GROUP} 人，可能推断出个人。",
    ),
    # Speed
    "no hours with a standard": Text("No hours were worked on anything with a standard.", "没有做过有标准工时的作业。"),
    "too little practice": Text("Too few observations or units for a learning curve.", "观察次数或件数太少，无法拟合学习曲线。"),
    "units do not vary": Text("Within each project all observations are at the same experience.", "各项目内的观察都在同一经验水平上。"),
    "half never have": Text("Fewer than half have reached the target.", "达标的人不足一半。"),
    "too few shifts": Text(f"Fewer than {fatigue.MIN_SHIFTS} shifts.", f"不足 {fatigue.MIN_SHIFTS} 个班次。"),
    "no work in the reference hour": Text("No work was done in the hour to compare with.", "作为参照的那个小时没有作业。"),
    # Money and forecasts
    "nothing sold": Text("Nothing was sold in one of the periods.", "有一期没有销售。"),
    "not comparable": Text(
        f"Less than {price_index.MIN_MATCH:.0%} of revenue is in products of both periods.",
        f"两期都有的产品占收入不足 {price_index.MIN_MATCH:.0%}，不可比。",
    ),
    "a unit leaves nothing": Text("A unit leaves nothing, so no volume breaks even.", "单件没有贡献，做多少都无法保本。"),
    "nothing remains": Text("Nothing remains to be done.", "没有剩余工作量。"),
    "too little history": Text(
        f"Fewer than {forecast.MIN_HISTORY} working days of history.", f"历史不足 {forecast.MIN_HISTORY} 个工作日。"
    ),
    "beyond the horizon": Text(f"It does not end within {forecast.HORIZON:,} working days.", f"{forecast.HORIZON:,} 个工作日内无法完成。"),
    "nothing comes out": Text("Nothing comes out.", "没有产出。"),
}


def words(code: str) -> Text:
    """The sentence of a method's reason or warning. Raises KeyError for what no method says.

    >>> words("nothing remains").en
    'Nothing remains to be done.'
    """
    return WORDS[code]
