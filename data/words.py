"""The words people use for the values of closed and open sets, in both languages, and the form in which words are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from data.codes import ACTIONS, CLOCKS, DECISIONS, PAY_ON, ROLES, STAGES, VERDICTS

_BRACKETS = re.compile(r"[(\[{<【《].*?[)\]}>】》]")
_NOT_WORD = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """The form in which headers and choices are compared: half width, lower case, no blanks, signs or bracketed units.

    >>> plain("\\ufeff 耗时（秒） "), plain("Worker-ID"), plain("_created_at")
    ('耗时', 'workerid', 'createdat')
    """
    folded = unicodedata.normalize("NFKC", text).strip("\ufeff \t\r\n").casefold()
    return _NOT_WORD.sub("", _BRACKETS.sub("", folded)) or _NOT_WORD.sub("", folded)


def _meanings(choices: Iterable[str], words: Mapping[str, str]) -> Mapping[str, str]:
    known = {plain(choice): choice for choice in choices}
    for choice, text in words.items():
        known |= {form: choice for word in text.split() if (form := plain(word))}
    return MappingProxyType(known)


ACTION_WORDS = _meanings(ACTIONS, {
    "annotate": "annotation annotating label labeling labelling labeled create created 标注 标记 拉框 画框 打标 首标 初标 新标 采集 转写",
    "rework": "reworked correction correct fix fixing redo repair revise 返工 返修 修改 修正 重标 整改 打回修改",
    "review": "reviewing qc qa check inspect inspection audit 质检 审核 复核 审查 检查 验收 抽检",
    "clean": "cleaning cleanse filter filtering 清洗 清理 筛选 数据清洗",
})  # fmt: skip
STAGE_WORDS = _meanings(STAGES, {
    "self": "selfcheck selfreview 自检 自查 组内自检",
    "qc1": "qc qa review firstreview review1 level1 internal 质检 一检 一审 初检 初审 首检 审核 一级质检 内检 全检",
    "qc2": "secondreview review2 level2 audit spotcheck 二检 二审 复检 复审 抽检 抽查 二级质检 终检 终审 质量复核",
    "client": "customer acceptance 客户 甲方 验收 客户验收 甲方验收 客户抽检",
    "gold": "golden goldstandard goldset groundtruth honeypot testquestion 金标 真值 埋题 测试题 考题 标准答案",
})  # fmt: skip
VERDICT_WORDS = _meanings(VERDICTS, {
    "accept": "accepted pass passed approve approved ok correct right good yes 通过 合格 接受 正确 采纳 批准 已通过 质检通过 "
    "审核通过 验收通过 无误",
    "fix": "fixed corrected amended modified edited fixedandaccepted acceptwithfix 修正 修改 已修正 已修改 修改后通过 修正通过 质检修改",
    "reject": "rejected fail failed declined denied returned wrong incorrect bad ng no 打回 驳回 不合格 不通过 未通过 退回 拒绝 错误 "
    "返工 返修",
})  # fmt: skip
CLOCK_WORDS = _meanings(CLOCKS, {
    "reported": "report self manual 上报 填报 自报 申报",
    "gap_100s": "gap gap100 workingtime 间隔",
    "lead_time": "leadtime opentosubmit 打开到提交 前置时间",
    "active": "activetime focused 活跃 有效 活动 有效时长",
    "wall": "wallclock elapsed 墙钟 自然时长 起止",
})  # fmt: skip
DECISION_WORDS = _meanings(DECISIONS, {
    "accept": "accepted pass passed approved 通过 合格 验收通过 接收 已验收",
    "reject": "rejected fail failed returned 不通过 不合格 打回 驳回 退回 验收不通过 拒收",
    "pending": "open waiting submitted 待定 待验收 未验收 验收中 待审",
})  # fmt: skip
PAY_ON_WORDS = _meanings(PAY_ON, {
    "submit": "submitted onsubmit 提交 按提交",
    "pass": "passed qc qcpass 通过 质检通过 按质检 合格",
    "accept": "accepted acceptance client 验收 验收通过 按验收 客户验收",
})  # fmt: skip
ROLE_WORDS = _meanings(ROLES, {
    "annotator": "labeler labeller worker 标注员 标注师 标注 作业员 数据标注员",
    "reviewer": "qc qa inspector checker 质检员 质检 审核员 审核",
    "team_lead": "lead leader teamleader 组长 班组长 班长 队长 小组长",
    "site_manager": "manager sitelead 基地负责人 基地经理 基地长 项目经理 主管",
    "hr": "humanresources 人力 人事 人力资源",
    "executive": "exec director 高管 总监 总经理",
    "admin": "administrator 管理员",
})  # fmt: skip
MODALITY_WORDS = _meanings((), {
    "image": "image images picture img 图像 图片 影像 图像标注",
    "video": "video videos 视频",
    "audio": "audio speech voice 音频 语音",
    "text": "text nlp 文本 文字",
    "pointcloud": "pointcloud lidar 3d 点云 激光雷达 3d点云",
    "medical": "medical 医疗 医学 医学影像",
    "multimodal": "multimodal 多模态",
})  # fmt: skip
COST_WORDS = _meanings((), {
    "rent": "rent 房租 租金 场地 场租",
    "power": "power electricity utilities 电费 水电 水电费",
    "management": "management admin 管理 管理费 管理成本",
    "subsidy": "subsidy subsidies grant 补贴 政府补贴 补助",
    "recruiting": "recruiting recruitment hiring 招聘 招聘费",
    "training": "training 培训 培训费",
    "equipment": "equipment hardware depreciation 设备 折旧 设备折旧",
    "network": "network internet 网络 网费 带宽",
})  # fmt: skip
NOTE_WORDS = _meanings((), {
    "guideline": "guideline guidelines spec specification 规则 规范 规则变更 标准变更",
    "outage": "outage downtime incident 故障 停机 停电 断网 系统故障",
    "holiday": "holiday festival 假期 节假日 放假",
    "slack": "slack nowork idle 断活 缺活 停工 待料",
})  # fmt: skip
CONTRACT_WORDS = _meanings((), {
    "full_time": "fulltime permanent regular 全职 正式 正式工",
    "part_time": "parttime 兼职",
    "intern": "intern internship trainee 实习 实习生",
    "dispatch": "dispatch dispatched agency temp 派遣 劳务派遣 外包 劳务",
})  # fmt: skip
CURRENCY_WORDS = _meanings((), {
    "CNY": "CNY RMB 元 人民币 人民币元", "USD": "USD 美元", "EUR": "EUR 欧元", "HKD": "HKD 港币 港元", "JPY": "JPY 日元",
})  # fmt: skip
# National occupational levels count down (五级/初级工 is the lowest); the store counts up from 1.
SKILL_WORDS = _meanings((), {
    "1": "1 五级 五级工 初级工 初级 五级初级工 初级工五级",
    "2": "2 四级 四级工 中级工 中级 四级中级工 中级工四级",
    "3": "3 三级 三级工 高级工 高级 三级高级工 高级工三级",
    "4": "4 二级 技师 二级技师 技师二级",
    "5": "5 一级 高级技师 一级高级技师 高级技师一级",
})  # fmt: skip
TIER_WORDS = _meanings((), {
    "0": "0 tier0 t0 自营 自有 本部", "1": "1 tier1 t1 一级 一包 总包 直签 直客", "2": "2 tier2 t2 二级 二包", "3": "3 tier3 t3 三级 三包", "4": "4 tier4 t4 四级 四包",
    "5": "5 tier5 t5 五级 五包",
})  # fmt: skip
FLAGS: Mapping[str, bool] = MappingProxyType({
    **dict.fromkeys(("true", "yes", "y", "t", "1", "是", "对", "真", "有", "主动", "自愿", "主动离职", "voluntary"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "否", "不", "假", "无", "被动", "非自愿", "被动离职", "involuntary"), False),
})  # fmt: skip
