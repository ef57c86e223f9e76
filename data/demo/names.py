"""The words the invented base is made of: people, reasons, channels. All combinations are made up."""

from __future__ import annotations

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN_FIRST = "建晓志海小文雅思丽春秀玉国红永明佳欣雨子宇俊浩慧静婷雪梦嘉泽立伟艳巧凤彩世少振学忠亚光新荣桂兰"
GIVEN_SECOND = "华军平英芳娟霞敏燕玲强勇杰涛磊鹏飞斌峰辉刚超波亮宁洁颖琳莉萍红梅丹倩媛怡琪瑶涵轩博阳晨睿航凯东林山生"

# leave reason, voluntary, weight among all leavers, only within the first 90 days
LEAVE_REASONS: tuple[tuple[str, bool, float, bool], ...] = (
    ("收入不达预期", True, 0.29, False),
    ("任务不稳定", True, 0.14, False),
    ("外出务工", True, 0.13, False),
    ("家庭原因", True, 0.12, False),
    ("身体或视力原因", True, 0.07, False),
    ("升学或考试", True, 0.04, False),
    ("自离", True, 0.04, False),
    ("试用期不合格", False, 0.10, True),
    ("质量不达标", False, 0.04, False),
    ("合同到期不续", False, 0.04, False),
    ("协商解除", False, 0.02, False),
)
# hiring channel, weight, hazard of leaving relative to the average
CHANNELS: tuple[tuple[str, float, float], ...] = (
    ("内部推荐", 0.34, 0.80),
    ("县就业服务中心", 0.24, 0.95),
    ("招聘网站", 0.16, 1.20),
    ("职校合作", 0.12, 1.15),
    ("短视频直播招聘", 0.10, 1.45),
    ("残联推荐", 0.04, 0.60),
)
# contract, weight, share of a full working day
CONTRACTS: tuple[tuple[str, float, float], ...] = (
    ("full_time", 0.78, 1.0),
    ("dispatch", 0.12, 1.0),
    ("intern", 0.06, 1.0),
    ("part_time", 0.04, 0.5),
)
ERROR_TYPES = ("漏标", "多标", "错类", "不贴合", "错属性", "错ID")
_DIGITS = "零一二三四五六七八九"


def ordinal(number: int) -> str:
    """1–99 in Chinese numerals.

    >>> [ordinal(n) for n in (1, 10, 12, 20, 36)]
    ['一', '十', '十二', '二十', '三十六']
    """
    tens, ones = divmod(number, 10)
    head = "" if not tens else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones else "")
