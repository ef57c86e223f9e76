"""What people call the values of a dimension."""

from __future__ import annotations

from data.errors import NameUnknown
from data.store import Store
from metrics.definitions import REGISTRY
from metrics.scope import Scope

CODES = {
    "action": {"annotate": "标注", "rework": "返工", "review": "质检", "clean": "清洗"},
    "stage": {"self": "自检", "qc1": "一检", "qc2": "二检", "client": "客户验收", "gold": "测试题"},
    "clock": {"reported": "工具上报", "gap_100s": "间隔≤100秒累计", "lead_time": "含空闲", "active": "有效操作", "wall": "起止时间差"},
    "modality": {"image": "图像", "video": "视频", "audio": "音频", "text": "文本", "pointcloud": "点云", "medical": "医疗", "multimodal": "多模态"},
    "contract": {"full_time": "全职", "part_time": "兼职", "intern": "实习", "dispatch": "派遣"},
    "tenure_band": {
        "<7d": "不足 7 天", "7-30d": "7–30 天", "31-90d": "31–90 天", "91-180d": "91–180 天", "181-365d": "181–365 天", ">365d": "一年以上",
    },
}  # fmt: skip
CODES_EN = {
    "action": {"annotate": "Annotate", "rework": "Rework", "review": "Review", "clean": "Clean"},
    "stage": {"self": "Self-check", "qc1": "QC 1", "qc2": "QC 2", "client": "Client", "gold": "Gold"},
    "clock": {"reported": "Reported", "gap_100s": "Gaps under 100 s", "lead_time": "Lead time", "active": "Active", "wall": "Start to end"},
    "modality": {
        "image": "Image", "video": "Video", "audio": "Audio", "text": "Text", "pointcloud": "Point cloud", "medical": "Medical", "multimodal": "Multimodal",
    },
    "contract": {"full_time": "Full time", "part_time": "Part time", "intern": "Intern", "dispatch": "Agency"},
    "tenure_band": {
        "<7d": "Under 7 days", "7-30d": "7–30 days", "31-90d": "31–90 days", "91-180d": "91–180 days", "181-365d": "181–365 days", ">365d": "Over a year",
    },
}  # fmt: skip
# Words of the trade that files hold in either language, and what readers of the other call them. Any other word stands as it is.
WORDS = {
    "error_type": {
        "漏标": "Missing", "多标": "Extra", "错类": "Wrong class", "不贴合": "Loose fit", "错属性": "Wrong attribute", "错ID": "Wrong ID",
    },
    "leave_reason": {
        "收入不达预期": "Income below expectation", "任务不稳定": "Unsteady work", "外出务工": "Work elsewhere", "家庭原因": "Family",
        "身体或视力原因": "Health or eyesight", "升学或考试": "Studies or exams", "自离": "Left without notice", "试用期不合格": "Probation not passed",
        "质量不达标": "Quality below standard", "合同到期不续": "Contract not renewed", "协商解除": "By agreement",
    },
    "channel": {
        "内部推荐": "Referral", "县就业服务中心": "County job centre", "招聘网站": "Job site", "职校合作": "Vocational school",
        "短视频直播招聘": "Live-stream hiring", "残联推荐": "Disability federation",
    },
}  # fmt: skip
# A person without a name has that of one of their accounts in the tools.
PEOPLE = """SELECT p.worker_id, coalesce(p.name, a.name) FROM worker AS p
    LEFT JOIN (SELECT same_as, min(name) AS name FROM worker WHERE same_as IS NOT NULL GROUP BY ALL) AS a ON a.same_as = p.worker_key
    WHERE p.same_as IS NULL"""
NAMES = {
    "site": "SELECT site_id, {name} FROM site",
    "team": "SELECT team_id, {name} FROM team",
    "project": "SELECT project_id, {name} FROM project",
    "client": "SELECT client, {client} FROM project WHERE client IS NOT NULL",
    "worker": PEOPLE,
    "reviewer": PEOPLE,
}


def labels(store: Store, dim: str, lang: str, scope: Scope | None = None) -> dict[str, str]:
    """Id → name in a language (its other language, then the id, where there is none); empty for dimensions whose values name themselves.

    With a scope that may not see names, people have none. Raises NameUnknown for a dimension that does not exist.
    """
    if dim not in REGISTRY.dimensions:
        raise NameUnknown("dimension", dim, REGISTRY.dimensions, "维度")
    chinese = lang.lower().startswith("zh")
    if dim in CODES:
        return dict(CODES[dim] if chinese else CODES_EN[dim])
    if dim in WORDS:
        return dict(WORDS[dim]) if not chinese else {english: word for word, english in WORDS[dim].items()}
    if dim not in NAMES or (REGISTRY.dimensions[dim].field and scope is not None and not scope.sees_people):
        return {}
    first, second = ("", "_en") if chinese else ("_en", "")
    sql = NAMES[dim].format(name=f"coalesce(name{first}, name{second})", client=f"coalesce(client{first}, client{second})")
    return {str(key): str(name) for key, name in store.rows(sql) if name and key}
